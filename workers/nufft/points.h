#pragma once

#include <cstdint>
#include <vector>

#include "workers/nufft/functors.h"
#include "workers/nufft/shape.h"

namespace unfold::nufft {

/// Points in the order in which the fine grid is walked, ready for the kernels: box by box, cells
/// of a box in a row. Windows of boxes of one colour touch no cell in common.
template <class Real>
struct SortedPoints {
  struct Box {
    Index begin, end;  ///< of `points`
  };

  std::vector<Point<Real>> points;
  std::vector<std::uint32_t> order;  ///< points[i] is the order[i]-th of the caller's
  std::vector<Box> boxes[8];         ///< by colour; empty boxes are left out

  /// points [P, 3] radians, finite. Throws std::invalid_argument where points or cells are 2^32 or
  /// more.
  SortedPoints(compute::Cpu& cpu, const Shape& shape, View<const Real, 2> points, compute::Isa isa);
};

}  // namespace unfold::nufft
