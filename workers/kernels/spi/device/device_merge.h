#pragma once

#include <optional>

#include "workers/kernels/spi/device/merge_solve.h"
#include "workers/kernels/spi/device/normal_sums.h"

namespace unfold::spi {

/// MergeDevice on an Accelerator: what it keeps between calls lies on the device.
template <compute::Accelerator D>
class DeviceMerge final : public MergeDevice {
 public:
  DeviceMerge(D& device, Index grid) : device_(&device), grid_(grid) {}

  void add(const MergeFrames& frames, double tolerance, std::span<double> right,
           std::span<double> lags) override {
    if (tolerance != tolerance_) {
      in_float_.reset();
      in_double_.reset();
      tolerance_ = tolerance;
    }
    const Index edge = 2 * grid_ - 1;
    if (tolerance >= nufft::float_limit({edge, edge, edge})) {
      made(in_float_, tolerance).add(frames, right, lags);
    } else {
      made(in_double_, tolerance).add(frames, right, lags);
    }
  }

  SolveEnd solve(std::span<const double> lags, std::span<const double> right,
                 std::span<const double> x0, std::span<const std::uint8_t> support,
                 const SolveLimits& limits, std::span<double> x) override {
    if (!solve_) solve_.emplace(*device_, grid_);
    return solve_->run(lags, right, x0, support, limits, x);
  }

 private:
  template <class Sums>
  Sums& made(std::optional<Sums>& sums, double tolerance) {
    if (!sums) sums.emplace(*device_, grid_, tolerance);
    return *sums;
  }

  D* device_;
  Index grid_;
  double tolerance_ = 0;
  std::optional<DeviceNormalSums<D, float>> in_float_;
  std::optional<DeviceNormalSums<D, double>> in_double_;
  std::optional<DeviceSolve<D>> solve_;
};

}  // namespace unfold::spi
