#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/isa.h"
#include "workers/kernels/spi/dispatch.h"
#include "workers/nufft/fft.h"

namespace unfold::spi {

using compute::Index;
using compute::View;

/// sum_n a_n cos(n.x), by straight lines between cells three or four times finer than the modes
/// need, each kept to 8 bits: about half a percent, and ten times as fast as a window of that
/// transform. Immutable between two set()s: cut() is thread safe.
class QuickGrid {
 public:
  static constexpr Index kSmallest = 16;  ///< points of a cut

  QuickGrid(Index modes, compute::Isa isa);
  /// a [M, M, M], centred.
  void set(View<const double, 3> a);

  /// out [size] = values at R^T axes [3, size] (radians, |x| <= pi) times correction [size];
  /// `rotation` is R [3, 3]. Serial.
  void cut(const float* rotation, Index size, const float* axes, const float* correction,
           float* out) const;

  /// Cells [side, side, side] as upper halves of floats: those of n() around, some twice. Cell i
  /// lies at 2 pi (i - 1 - n / 2) / n.
  std::span<const std::uint16_t> cells() const { return cells_; }
  Index n() const { return n_; }
  Index side() const { return side_; }

 private:
  Index modes_;
  Index n_;     ///< cells around
  Index side_;  ///< cells stored on an axis: some twice
  void (*kernel_)(const QuickTask&);
  nufft::RealFft<float> transform_;
  std::vector<std::uint16_t> cells_;  ///< [side, side, side], upper halves of floats
};

}  // namespace unfold::spi
