#pragma once

#include <array>
#include <vector>

#include "workers/compute/view.h"

namespace unfold::nufft {

using compute::Index;
using Edges = std::array<Index, 3>;

/// As nufft.h's Options, without an instruction set.
struct DeviceOptions {
  double tolerance = 1e-6;
  double upsampling = 0;  ///< 1.2 .. 3; 0: what makes windows smallest
};

/// The fine grid and the window of a transform on a device: the CPU library's own (shape.h,
/// window.h), but that no halo lies around the grid.
template <class Real>
struct DeviceTables {
  Edges modes, n;  ///< of the modes and of the fine grid
  int width, degree;
  std::vector<Real> window;                      ///< [degree + 1, kStride], highest power first
  std::array<std::vector<Real>, 3> corrections;  ///< of modes -(M / 2) .. M / 2
};

/// The smallest tolerance that float holds at such a grid (nufft.h's limit_of).
double float_limit(const Edges& modes);

/// `parts` 2: complex, 1: cosine transforms. Throws as Plan's constructor does.
template <class Real>
DeviceTables<Real> tables_of(const Edges& modes, int parts, const DeviceOptions& options);

}  // namespace unfold::nufft
