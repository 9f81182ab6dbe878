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

/// The best function of |x - centre| alone inside the support (least squares, linear between knots
/// half a voxel apart); 0 outside. A ball agrees with every ball.
std::vector<double> isotropic_part(Index grid, std::span<const double> map,
                                   std::span<const std::uint8_t> support, const Centre& centre);

/// The part of a map that its shells below `shell` and its support determine: the projection onto
/// { support x (waves of those shells) }. Sharp edges of a support reach to every shell.
std::vector<double> determined_by_support(Index grid, std::span<const double> map,
                                          std::span<const std::uint8_t> support, Index shell);

}  // namespace unfold::spi
