#pragma once

#include <array>
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/view.h"
#include "workers/nufft/fft.h"

/// Densities that have the same |F|: equal up to a translation and an inversion through a point.
namespace unfold::spi {

using compute::Index;

/// b(x) -> b(x - shift), b inverted first where `inverted`.
struct Translation {
  std::array<double, 3> shift{};  ///< voxels
  bool inverted = false;
  double correlation = 0;  ///< with what it was brought onto, |k| <= M / 2, without k = 0
};

/// A density [M^3] by its Fourier modes inside |k| <= M / 2. Real transforms of `fft` {M, M, M}.
class DensityModes {
 public:
  DensityModes(Index grid, const nufft::RealFft<double>& fft, std::span<const double> density);

  /// How to bring `other` onto this: the best whole voxel, then Newton's method on the correlation.
  Translation onto_this(const DensityModes& other) const;
  /// Moves this.
  void apply(const Translation& translation);

  /// [M^3], centred.
  std::vector<double> density() const;

  struct Mode {
    std::array<Index, 3> k;
    std::complex<double> value;
    double times;  ///< 2 where the mode stands for its Friedel mate too
  };
  const std::vector<Mode>& modes() const { return modes_; }
  std::vector<Mode>& modes() { return modes_; }

 private:
  Index grid_;
  const nufft::RealFft<double>* fft_;
  std::vector<Mode> modes_;
};

}  // namespace unfold::spi
