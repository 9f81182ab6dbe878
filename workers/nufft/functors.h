#pragma once

#include <cmath>

#include "workers/compute/host_device.h"
#include "workers/compute/view.h"
#include "workers/nufft/kernels.h"

/// The arithmetic of spreading and gathering at one point, for any device. What the instruction set
/// kernels are tested against.
namespace unfold::nufft {

using compute::Index;

/// The first cell of the window of a point, in [0, cells), and its y.
struct Place {
  Index start;
  double y;
};

/// `x` radians, any finite value: cell l of `cells` lies at 2 pi l / cells, modulo 2 pi.
struct Locate {
  double cells_per_radian;
  Index cells;
  int width;

  UNFOLD_HD Place operator()(double x) const {
    constexpr double kTurn = 6.283185307179586477;
    if (std::abs(x) > 4 * kTurn) x = std::remainder(x, kTurn);
    const double n = static_cast<double>(cells);
    double u = x * cells_per_radian;
    u -= n * std::floor(u / n);
    const double low = u - 0.5 * width, start = std::ceil(low);
    Index first = static_cast<Index>(start);
    if (first < 0) first += cells;
    if (first >= cells) first -= cells;
    return {first, 2 * (start - low) - 1};
  }
};

/// Polynomials of the window (window.h): [degree + 1, stride], highest power first.
template <class Real>
struct WindowView {
  const Real* coefficients;
  int width, degree, stride;

  /// The window at the j-th cell of a point with argument y.
  UNFOLD_HD Real at(Real y, int j) const {
    Real value = coefficients[j];
    for (int p = 1; p <= degree; ++p) value = value * y + coefficients[p * stride + j];
    return value;
  }
  /// out[j] = window at the j-th cell.
  UNFOLD_HD void operator()(Real y, Real* out) const {
    for (int j = 0; j < width; ++j) out[j] = at(y, j);
  }
};

/// A padded grid whose cells have Parts numbers side by side: 2 complex, 1 real.
template <class Real>
struct GridView {
  Real* cells;
  Index plane, row;  ///< cells from one plane or row to the next
};

/// grid[start + (i, j, k)] += c w[i] w[j] w[k]; c [Parts].
template <class Real, int Parts>
struct SpreadPoint {
  WindowView<Real> window;
  GridView<Real> grid;

  UNFOLD_HD void operator()(const Point<Real>& point, const Real* c) const {
    Real w[3][16];
    for (int d = 0; d < 3; ++d) window(point.y[d], w[d]);
    for (int i = 0; i < window.width; ++i)
      for (int j = 0; j < window.width; ++j) {
        Real* row = grid.cells + Parts * (point.offset + i * grid.plane + j * grid.row);
        const Real weight = w[0][i] * w[1][j];
        for (int k = 0; k < window.width; ++k)
          for (int part = 0; part < Parts; ++part)
            row[Parts * k + part] += weight * (w[2][k] * c[part]);
      }
  }
};

/// c = sum over the window of grid[start + (i, j, k)] w[i] w[j] w[k]; c [Parts] is overwritten.
template <class Real, int Parts>
struct GatherPoint {
  WindowView<Real> window;
  GridView<const Real> grid;

  UNFOLD_HD void operator()(const Point<Real>& point, Real* c) const {
    Real w[3][16];
    for (int d = 0; d < 3; ++d) window(point.y[d], w[d]);
    for (int part = 0; part < Parts; ++part) c[part] = 0;
    for (int i = 0; i < window.width; ++i)
      for (int j = 0; j < window.width; ++j) {
        const Real* row = grid.cells + Parts * (point.offset + i * grid.plane + j * grid.row);
        const Real weight = w[0][i] * w[1][j];
        for (int part = 0; part < Parts; ++part) {
          Real sum = 0;
          for (int k = 0; k < window.width; ++k) sum += w[2][k] * row[Parts * k + part];
          c[part] += weight * sum;
        }
      }
  }
};

}  // namespace unfold::nufft
