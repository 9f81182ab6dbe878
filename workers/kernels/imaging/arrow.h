#pragma once

#include <span>
#include <vector>

#include "workers/compute/view.h"

namespace unfold::imaging {

using compute::Index;

/// A symmetric matrix of S dense rows and blocks of C that meet only through them, positive
/// semidefinite, with its right-hand side. Amplitude (c, g) of the header above is entry c of
/// block g.
struct Arrow {
  Index scales = 0, components = 0, blocks = 0;
  std::vector<double> dense;     ///< [S, S]
  std::vector<double> cross;     ///< [blocks, C, S]
  std::vector<double> block;     ///< [blocks, C, C]
  std::vector<double> right;     ///< [S]
  std::vector<double> right_of;  ///< [blocks, C]
};

/// The solution [S + C blocks], scales first, then (c, g) as c * blocks + g. Blocks are eliminated
/// first (Schur complement). An unknown whose pivot is lost in rounding gets 0.
std::vector<double> solve(Arrow arrow);

}  // namespace unfold::imaging
