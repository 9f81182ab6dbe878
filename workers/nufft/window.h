#pragma once

#include <vector>

#include "workers/nufft/kernels.h"
#include "workers/nufft/prolate.h"

namespace unfold::nufft {

/// Relative l2 error that a window of `width` cells leaves at `upsampling` in three dimensions, for
/// values without correlation: fitted to alias sums of the window below, width 2 .. 14, upsampling
/// 1.25 .. 2.5, and a fifth more.
double alias_error(int width, double upsampling);

/// Relative l2 error of rounding: what noise of `epsilon` on the fine grid becomes where the modes
/// at the edge, which the window has weakened, are raised again. Large for wide windows at low
/// upsampling.
double rounding_error(int width, double upsampling, double epsilon);

/// The smallest upsampling at which `width` cells reach `tolerance`, or 0 where none below 3 does.
double upsampling_for(double tolerance, int width);

/// What a point is spread with: a prolate function over `width` cells, whose transform falls to the
/// alias error where the first image of the modes begins.
class Window {
 public:
  Window(int width, double upsampling);

  int width() const { return width_; }

  /// The window at j + t - width / 2 cells from the point, for cells j < width, as polynomials in
  /// y = 2 t - 1: [degree_of(width) + 1, stride], highest power first; each coefficient `repeats`
  /// times from `lead` on, zero elsewhere.
  template <class Real>
  std::vector<Real> coefficients(int repeats, int lead, int stride) const;

  /// 1 / (transform of the window at mode k of a grid of n cells), k = -modes / 2 .. modes / 2.
  std::vector<double> corrections(int modes, int n) const;

 private:
  int width_;
  Prolate prolate_;
};

}  // namespace unfold::nufft
