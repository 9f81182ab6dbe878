#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"

/// What of a map says nothing about structure at high resolution.
namespace unfold::spi {

using compute::Index;

/// Centre of mass of the positive part of a map [M^3], voxels from M / 2.
struct Centre {
  double at[3] = {0, 0, 0};
};
Centre centre_of(Index grid, std::span<const double> map);

/// The function of |x - centre| alone that comes nearest to a map (least squares, linear between
/// knots half a voxel apart). A ball agrees with every ball.
std::vector<double> isotropic_part(Index grid, std::span<const double> map, const Centre& centre);

/// A map's shells below `shell`, cut to its support: sharp edges carry them to every shell.
std::vector<double> leaked_by_support(Index grid, std::span<const double> map,
                                      std::span<const std::uint8_t> support, Index shell);

}  // namespace unfold::spi
