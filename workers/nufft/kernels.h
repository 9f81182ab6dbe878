#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops, built once per instruction set and chosen at start; their arithmetic is that of
/// functors.h. Plain pointers and sizes cross this border, because the objects behind it may share
/// no inline function with the rest of the program. Nothing is allocated.
namespace unfold::nufft {

using Size = std::ptrdiff_t;

inline constexpr int kMinWidth = 2, kMaxWidth = 16;

/// Degree of the polynomial that stands for the window over one cell: what it leaves stays below a
/// seventh of the aliasing error of that width at any upsampling up to 2.5.
constexpr int degree_of(int width) { return width <= 6 ? width + 1 : width; }

/// Reals from one power to the next in the window's coefficients.
inline constexpr int kStride = 16;
/// The same for the contiguous axis, whose vectors may begin up to kLead numbers before the window,
/// on the border of their own size.
inline constexpr int kLead = 16, kLastStride = 64;

/// A point on the fine grid: where its window begins, and how far into the first cell.
template <class Real>
struct Point {
  Real y[3];  ///< 2 t - 1 per axis, t in [0, 1]: the argument of the window's polynomials
  std::uint32_t offset;  ///< of the window's first cell in the padded grid, in cells
};

/// Points one after the other, their values, and the grid. Cells hold Parts numbers side by side:
/// 2 complex, 1 real. Whole vectors are read, and written back when spreading: within
/// the blocks of 16 cells that a window touches, and up to 16 cells from its first.
template <class Real>
struct Run {
  const Point<Real>* points;
  Size count;
  const Real* window;  ///< [degree + 1, kStride], highest power first, zero beyond width
  /// [degree + 1, kLastStride]: each coefficient Parts times from kLead on, zeros around.
  const Real* last;
  Size plane, row;  ///< cells from one plane or row to the next
};

/// Points of a slice, x = R^T base, |x| < 2 pi, to be looked up on a grid of n cells a turn.
template <class Real>
struct Turn {
  const Real* base;  ///< [count, 3]
  Size count;
  Real rotation[9];  ///< row-major, times cells per radian: cells = base . rotation[.][d]
  Size n[3];
  Size plane, row;
  int width;
};

/// Boxes of cells that points are sorted by, and the bins of a box; sizes are powers of two.
inline constexpr int kBoxBits[3] = {4, 4, 5}, kBinBits[3] = {1, 1, 3};
/// Bins of a box: keys of points count boxes, then bins.
inline constexpr int kBinsOfBox = 1 << (4 - 1 + 4 - 1 + 5 - 3);

/// Points of any number of turns, radians, to be placed on a grid of n cells a turn.
template <class Real>
struct Placing {
  const Real* x;  ///< [count, 3]
  Size count;
  Size n[3];
  Size boxes[3];  ///< of an axis
  Size plane, row;
  int width;
};

template <class Real>
struct Kernels {
  /// grid += values under the windows; values [count, Parts]. By width; [0] real, [1] complex.
  void (*spread[2][kMaxWidth + 1])(const Run<Real>&, const Real* values, Real* grid);
  /// values = the grid under the windows.
  void (*gather[2][kMaxWidth + 1])(const Run<Real>&, const Real* grid, Real* values);
  void (*turn)(const Turn<Real>&, Point<Real>* points);
  void (*place)(const Placing<Real>&, Point<Real>* points, std::uint32_t* keys);
};

struct KernelTable {
  Kernels<double> f64;
  Kernels<float> f32;
};

}  // namespace unfold::nufft
