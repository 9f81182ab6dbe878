#pragma once

#include <cmath>
#include <vector>

#include "workers/kernels/spi/device/sums.h"
#include "workers/kernels/spi/device/toeplitz.h"
#include "workers/kernels/spi/merge_device.h"

/// Merging's conjugate gradients (merging.h) on a device: vectors and the numbers of a step stay
/// there; the host reads after each step whether it was the last.
namespace unfold::spi {

/// What a step of conjugate gradients goes by; on the device.
struct GradientNumbers {
  double square;     ///< r.r
  double curvature;  ///< p.A p
  double step, ratio;
};

/// a(i) b(i).
struct Product {
  const double* a;
  const double* b;
  UNFOLD_HD Pair operator()(Index, Index i) const { return {a[i] * b[i], 0}; }
};

struct StoreSquare {
  GradientNumbers* numbers;
  UNFOLD_HD void operator()(Index, const Pair& sums) const { numbers->square = sums.a; }
};
struct StoreStep {
  GradientNumbers* numbers;
  UNFOLD_HD void operator()(Index, const Pair& sums) const {
    numbers->curvature = sums.a;
    numbers->step = sums.a > 0 ? numbers->square / sums.a : 0;
  }
};
struct StoreRatio {
  GradientNumbers* numbers;
  UNFOLD_HD void operator()(Index, const Pair& sums) const {
    numbers->ratio = numbers->square > 0 ? sums.a / numbers->square : 0;
    numbers->square = sums.a;
  }
};

/// residual = S (right + ridge x), x = S x.
struct BeginSolve {
  double ridge;
  const double* right;
  const unsigned char* support;
  double* x;
  double* residual;

  UNFOLD_HD void operator()(Index n) const {
    residual[n] = support[n] != 0 ? right[n] + ridge * x[n] : 0;
    x[n] = support[n] != 0 ? x[n] : 0;
  }
};
struct TakeAway {
  const double* image;
  double* residual;
  UNFOLD_HD void operator()(Index n) const { residual[n] -= image[n]; }
};
/// GradientStep and NextDirection by numbers on the device.
struct TakeStep {
  const GradientNumbers* numbers;
  GradientStep step;
  UNFOLD_HD void operator()(Index n) const {
    GradientStep now = step;
    now.step = numbers->step;
    now(n);
  }
};
struct TakeTurn {
  const GradientNumbers* numbers;
  NextDirection turn;
  UNFOLD_HD void operator()(Index n) const {
    NextDirection now = turn;
    now.ratio = numbers->ratio;
    now(n);
  }
};

/// S (C + rl) S x = S (d + rl x0); C holds the anti-support. The kernel and plans are kept between
/// solutions of one grid.
template <compute::Accelerator D>
class DeviceSolve {
 public:
  DeviceSolve(D& device, Index grid)
      : device_(&device),
        kernel_(device, grid),
        voxels_(grid * grid * grid),
        x_(device, voxels_),
        residual_(device, voxels_),
        direction_(device, voxels_),
        image_(device, voxels_),
        right_(device, voxels_),
        support_(device, voxels_),
        numbers_(device, 1),
        sums_(device, 1) {}

  /// Arrays on the host: lags [(2M - 1)^3], right, x0 and support [M^3] or empty; x [M^3] is
  /// overwritten. Returns when done.
  SolveEnd run(std::span<const double> lags, std::span<const double> right,
               std::span<const double> x0, std::span<const std::uint8_t> support,
               const SolveLimits& limits, std::span<double> x) {
    kernel_.set(lags);
    const double whole = begin(right, x0, support, limits.ridge);
    SolveEnd end;
    GradientNumbers now = numbers();
    while (end.iterations < limits.max_iterations &&
           std::sqrt(now.square) > limits.tolerance * whole) {
      step(limits.ridge);
      now = numbers();
      if (!(now.curvature > 0)) break;
      ++end.iterations;
    }
    end.residual = whole > 0 ? std::sqrt(now.square) / whole : 0;
    x_.download(x);
    return end;
  }

 private:
  /// Residual, first direction and its square; |d|.
  double begin(std::span<const double> right, std::span<const double> x0,
               std::span<const std::uint8_t> support, double ridge) {
    right_.upload(right);
    if (x0.empty()) {
      device_->clear(data(x_), x_.bytes());
    } else {
      x_.upload(x0);
    }
    const std::vector<std::uint8_t> everywhere(support.empty() ? right.size() : 0, 1);
    support_.upload(support.empty() ? std::span<const std::uint8_t>(everywhere) : support);
    parallel_for(*device_, voxels_,
                 BeginSolve{ridge, data(right_), inside(), data(x_), data(residual_)});
    square(residual_);
    const double whole = std::sqrt(numbers().square);
    if (!x0.empty()) {
      apply(x_, ridge);
      parallel_for(*device_, voxels_, TakeAway{data(image_), data(residual_)});
      square(residual_);
    }
    device_->copy(data(direction_), data(residual_), residual_.bytes());
    return whole;
  }

  void step(double ridge) {
    apply(direction_, ridge);
    GradientNumbers* n = numbers_.view(Index{1}).data;
    sums_(voxels_, Product{data(direction_), data(image_)}, StoreStep{n});
    parallel_for(*device_, voxels_,
                 TakeStep{n, {0, view(direction_), view(image_), view(x_), view(residual_)}});
    sums_(voxels_, Product{data(residual_), data(residual_)}, StoreRatio{n});
    parallel_for(*device_, voxels_, TakeTurn{n, {0, view(residual_), view(direction_)}});
  }

  void apply(compute::Buffer<double, D>& x, double ridge) {
    kernel_.apply(KeepInside{ridge, view(x), {inside(), voxels_}, view(image_)});
  }
  void square(compute::Buffer<double, D>& v) {
    sums_(voxels_, Product{data(v), data(v)}, StoreSquare{numbers_.view(Index{1}).data});
  }
  GradientNumbers numbers() {
    GradientNumbers out{};
    numbers_.download({&out, 1});
    return out;
  }
  View<double, 1> view(compute::Buffer<double, D>& b) { return b.view(voxels_); }
  double* data(compute::Buffer<double, D>& b) { return b.view(voxels_).data; }
  std::uint8_t* inside() { return support_.view(voxels_).data; }

  D* device_;
  DeviceToeplitz<D> kernel_;
  Index voxels_;
  compute::Buffer<double, D> x_, residual_, direction_, image_, right_;
  compute::Buffer<std::uint8_t, D> support_;
  compute::Buffer<GradientNumbers, D> numbers_;
  SetSums<D> sums_;
};

}  // namespace unfold::spi
