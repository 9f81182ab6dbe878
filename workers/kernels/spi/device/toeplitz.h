#pragma once

#include <cstdint>
#include <span>

#include "workers/kernels/spi/merge_functors.h"
#include "workers/nufft/device/fft.h"
#include "workers/nufft/smooth.h"

/// Toeplitz (toeplitz.h) on a device.
namespace unfold::spi {

/// padded [L^3] = lags [(2M - 1)^3], centred at M - 1, at their places round the cube.
struct PlaceLags {
  Index grid, box;
  const double* lags;
  double* padded;

  UNFOLD_HD void operator()(Index n) const {
    const Index width = 2 * grid - 1, at[] = {n / box / box, n / box % box, n % box};
    Index from = 0;
    bool inside = true;
    for (const Index i : at) {
      const Index lag = i < grid ? i : i - box;
      inside = inside && lag > -grid;
      from = from * width + lag + grid - 1;
    }
    padded[n] = inside ? lags[from] : 0;
  }
};

/// padded [L^3] = x [M^3] in the corner, 0 elsewhere.
struct PadCube {
  Index grid, box;
  const double* x;
  double* padded;

  UNFOLD_HD void operator()(Index n) const {
    const Index i = n / box / box, j = n / box % box, k = n % box;
    padded[n] = i < grid && j < grid && k < grid ? x[(i * grid + j) * grid + k] : 0;
  }
};

/// spectrum = scale times the real parts of half.
struct TakeReal {
  double scale;
  const double* half;
  double* spectrum;

  UNFOLD_HD void operator()(Index k) const { spectrum[k] = scale * half[2 * k]; }
};

/// half *= spectrum.
struct Filter {
  const double* spectrum;
  double* half;

  UNFOLD_HD void operator()(Index k) const {
    half[2 * k] *= spectrum[k];
    half[2 * k + 1] *= spectrum[k];
  }
};

/// out <- S (C x + ridge x), C x in the corner of padded.
struct CropInside {
  Index grid, box;
  const double* padded;
  KeepInside keep;

  UNFOLD_HD void operator()(Index n) const {
    const Index i = n / grid / grid, j = n / grid % grid, k = n % grid;
    keep.out(n) = padded[(i * box + j) * box + k];
    keep(n);
  }
};

template <compute::Accelerator D>
class DeviceToeplitz {
 public:
  DeviceToeplitz(D& device, Index grid)
      : device_(&device),
        grid_(grid),
        box_(nufft::next_smooth(2 * grid - 1)),
        modes_(nufft::half_size({box_, box_, box_})),
        fft_(device, {box_, box_, box_}, 1),
        padded_(device, box_ * box_ * box_),
        half_(device, 2 * modes_),
        spectrum_(device, modes_) {}

  Index grid() const { return grid_; }

  /// lags [(2M - 1)^3] on the host. Queued, once they are on their way.
  void set(std::span<const double> lags) {
    compute::Buffer<double, D> there(*device_, static_cast<Index>(lags.size()));
    there.upload(lags);
    parallel_for(*device_, padded_.size(), PlaceLags{grid_, box_, data(there), data(padded_)});
    fft_.forward(data(padded_), data(half_));
    const double scale = 1.0 / static_cast<double>(padded_.size());
    parallel_for(*device_, modes_, TakeReal{scale, data(half_), data(spectrum_)});
  }

  /// keep.out <- S (C x + ridge x) for x = keep.x. Queued.
  void apply(const KeepInside& keep) {
    parallel_for(*device_, padded_.size(), PadCube{grid_, box_, keep.x.data, data(padded_)});
    fft_.forward(data(padded_), data(half_));
    parallel_for(*device_, modes_, Filter{data(spectrum_), data(half_)});
    fft_.backward(data(half_), data(padded_));
    parallel_for(*device_, grid_ * grid_ * grid_, CropInside{grid_, box_, data(padded_), keep});
  }

 private:
  static double* data(compute::Buffer<double, D>& buffer) {
    return buffer.view(buffer.size()).data;
  }

  D* device_;
  Index grid_, box_, modes_;
  nufft::DeviceRealFft<D, double> fft_;
  compute::Buffer<double, D> padded_, half_, spectrum_;
};

}  // namespace unfold::spi
