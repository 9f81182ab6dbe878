#include "workers/cuda/fourier_devices.h"

#include <exception>

#include "workers/cuda/outcome.h"

namespace unfold::cuda {
namespace {

class GpuMerge final : public spi::MergeDevice {
 public:
  GpuMerge(const Gpu& gpu, compute::Index grid) : gpu_(gpu) {
    require(table().open_merge(gpu_.ordinal, grid, &handle_));
  }
  ~GpuMerge() override { table().close_merge(gpu_.ordinal, handle_); }
  GpuMerge(const GpuMerge&) = delete;
  GpuMerge& operator=(const GpuMerge&) = delete;

  void add(const spi::MergeFrames& frames, double tolerance, std::span<double> right,
           std::span<double> lags) override {
    require(table().add(gpu_.ordinal, handle_, &frames, tolerance, right, lags));
  }
  spi::SolveEnd solve(std::span<const double> lags, std::span<const double> right,
                      std::span<const double> x0, std::span<const std::uint8_t> support,
                      const spi::SolveLimits& limits, std::span<double> x) override {
    const MergeSystem system{lags, right, x0, support, limits, x};
    spi::SolveEnd end;
    require(table().solve(gpu_.ordinal, handle_, &system, &end));
    return end;
  }

 private:
  const FourierTable& table() const { return gpu_.module->fourier; }
  Gpu gpu_;
  void* handle_ = nullptr;
};

/// Asks the caller, and keeps what it throws on this side of the border.
struct Asked {
  const std::function<bool()>& goes_on;
  std::exception_ptr thrown;

  static bool ask(void* p) {
    auto& asked = *static_cast<Asked*>(p);
    try {
      return asked.goes_on();
    } catch (...) {
      asked.thrown = std::current_exception();
      return false;
    }
  }
};

class GpuPhase final : public spi::PhaseDevice {
 public:
  explicit GpuPhase(const Gpu& gpu) : gpu_(gpu) {}

  void iterate(const spi::PhaseBatch& batch, const spi::PhaseSchedule& schedule,
               const std::function<bool()>& goes_on) override {
    Asked asked{goes_on, nullptr};
    const Outcome outcome =
        gpu_.module->fourier.phase(gpu_.ordinal, &batch, &schedule, Asked::ask, &asked);
    if (asked.thrown) std::rethrow_exception(asked.thrown);
    require(outcome);
  }

 private:
  Gpu gpu_;
};

class GpuFourier final : public spi::FourierDevice {
 public:
  explicit GpuFourier(const Gpu& gpu) : gpu_(gpu) {}
  std::unique_ptr<spi::MergeDevice> merging(compute::Index grid) override {
    return std::make_unique<GpuMerge>(gpu_, grid);
  }
  std::unique_ptr<spi::PhaseDevice> phasing() override { return std::make_unique<GpuPhase>(gpu_); }

 private:
  Gpu gpu_;
};

}  // namespace

std::unique_ptr<spi::FourierDevice> make_fourier_device(const Gpu& gpu) {
  return std::make_unique<GpuFourier>(gpu);
}

}  // namespace unfold::cuda
