#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/view.h"
#include "workers/nufft/fft.h"

namespace unfold::spi {

using compute::Index;

/// (C x)_n = sum_m t_{n - m} x_m on M^3 for a real even kernel t of lags -(M - 1) .. M - 1, by
/// zero-padded real FFTs. Several kernels add up before they are transformed.
class Toeplitz {
 public:
  explicit Toeplitz(Index grid);

  Index grid() const { return grid_; }

  /// lags [(2M - 1)^3], centred at M - 1.
  void set(std::span<const double> lags);

  /// out [M^3] = C x, overwritten. Not thread safe.
  void apply(std::span<const double> x, std::span<double> out);

 private:
  Index grid_, box_;  // box_: edge of the padded cube
  nufft::RealFft<double> fft_;
  nufft::FftBuffer<double> padded_;
  nufft::FftBuffer<std::complex<double>> half_;
  std::vector<double> spectrum_;  ///< of the kernel, over box^3; real because t is even
};

/// lags [(2M - 1)^3] of the periodic convolution on M^3 that keeps Fourier modes with
/// |k| > M / 2 (rounded down), where there are hardly any data, and drops the others.
std::vector<double> anti_support_lags(Index grid);

}  // namespace unfold::spi
