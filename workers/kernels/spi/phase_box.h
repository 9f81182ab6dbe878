#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/view.h"

/// Periodic cubes of voxels, and how volumes [M^3] centred at M / 2 get in and out of them.
namespace unfold::spi {

using compute::Index;

/// Edge L of the cube that phasing iterates in. It need not be M: voxels stay as they are, |F|^2 is
/// sampled at k / L instead of k / M, which the autocorrelation gives exactly for any L. L only has
/// to hold the object (half of M, by the choice of M) with room to spare, so it is a size that
/// transforms fast: L >= 0.78 M.
Index phasing_box(Index grid);

/// out [L^3], origin at 0, overwritten: voxel n of the volume is added at n - M / 2 modulo L.
template <class Real>
void wrap_into(Index grid, std::span<const double> volume, Index box, std::span<Real> out);

/// out [M^3], centred: voxel n takes n - M / 2 modulo L where |n - M / 2| < L / 2, and 0 beyond.
template <class Real>
std::vector<double> unwrap_from(Index box, std::span<const Real> values, Index grid);

/// [radius + 1] of a Gaussian of `sigma` voxels, truncated at 2 sigma or so and half the box; their
/// sum over both sides is 1.
template <class Real>
std::vector<Real> gaussian_taps(Index box, double sigma);

/// Gaussian of `sigma` voxels, truncated at 2 sigma, round the periodic cube [L^3].
template <class Real>
void blur(Index box, double sigma, std::span<Real> values);

/// Whole voxels by which to turn the cube round so that its circular centre of mass lies at 0.
template <class Real>
std::array<Index, 3> centring_shift(Index box, std::span<const Real> density);

/// values moved by `shift` voxels round the cube.
template <class T>
std::vector<T> turned(Index box, std::span<const T> values, const std::array<Index, 3>& shift);

}  // namespace unfold::spi
