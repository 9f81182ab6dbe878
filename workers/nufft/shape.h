#pragma once

#include <array>

#include "workers/nufft/nufft.h"

namespace unfold::nufft {

/// The fine grid: n[d] cells a turn, and behind them the halo that windows reach into, so that no
/// window wraps. Row-major with padded rows; counts are of cells.
struct Shape {
  Modes modes;
  int width;                ///< of the window
  std::array<Index, 3> n;   ///< even, and products of 2, 3 and 5
  double upsampling;        ///< the smallest n[d] / modes[d]
  Index row, plane, cells;  ///< strides and the whole
  std::array<Index, 3> halo;

  /// Rows begin on borders of 64 bytes, and strides are such that the rows of a window do not meet
  /// in the same sets of a cache.
  Shape(const Modes& modes, int width, const std::array<Index, 3>& n, Index cell_bytes);
};

/// What a transform costs, in nanoseconds: the windows of the points, and the FFT with its lines.
struct Cost {
  bool real = false;    ///< cosine transforms
  bool single = false;  ///< float
  Index points = 0;     ///< per transform
};

/// The cheapest window and grid that hold `options.tolerance`; of options.upsampling where that is
/// set. Throws std::invalid_argument where there is none.
Shape choose_shape(const Modes& modes, const Options& options, const Cost& cost);

}  // namespace unfold::nufft
