#include "workers/kernels/spi/null_map.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {
namespace {

constexpr double kKnots = 2;     ///< a voxel
constexpr double kRidge = 1e-9;  ///< keeps knots without voxels at 0

/// |x - centre| in knots for each voxel, row-major.
template <class Body>
void for_each_radius(Index grid, const Centre& centre, const Body& body) {
  std::vector<double> square[3];
  for (int d = 0; d < 3; ++d) {
    for (Index i = 0; i < grid; ++i) {
      const double x = static_cast<double>(i - grid / 2) - centre.at[d];
      square[d].push_back(x * x);
    }
  }
  std::size_t voxel = 0;
  for (const double x : square[0]) {
    for (const double y : square[1]) {
      for (const double z : square[2]) body(voxel++, kKnots * std::sqrt(x + y + z));
    }
  }
}

/// Solves the symmetric tridiagonal system in place of `right`.
void solve_tridiagonal(std::vector<double> diagonal, const std::vector<double>& beside,
                       std::vector<double>& right) {
  for (std::size_t i = 1; i < diagonal.size(); ++i) {
    const double factor = beside[i - 1] / diagonal[i - 1];
    diagonal[i] -= factor * beside[i - 1];
    right[i] -= factor * right[i - 1];
  }
  for (std::size_t i = diagonal.size(); i-- > 0;) {
    if (i + 1 < diagonal.size()) right[i] -= beside[i] * right[i + 1];
    right[i] /= diagonal[i];
  }
}

}  // namespace

Centre centre_of(Index grid, std::span<const double> map) {
  double mass = 0, moment[3] = {0, 0, 0};
  for (Index i = 0; i < grid * grid * grid; ++i) {
    const double v = std::max(0.0, map[static_cast<std::size_t>(i)]);
    const Index n[] = {i / (grid * grid), i / grid % grid, i % grid};
    mass += v;
    for (int d = 0; d < 3; ++d) moment[d] += v * static_cast<double>(n[d] - grid / 2);
  }
  Centre centre;
  for (int d = 0; d < 3 && mass > 0; ++d) centre.at[d] = moment[d] / mass;
  return centre;
}

std::vector<double> isotropic_part(Index grid, std::span<const double> map, const Centre& centre) {
  const auto knots = static_cast<std::size_t>(2 * kKnots * static_cast<double>(grid)) + 2;
  std::vector<double> diagonal(knots, kRidge), beside(knots - 1, 0.0), profile(knots, 0.0);
  for_each_radius(grid, centre, [&](std::size_t voxel, double r) {
    const auto knot = static_cast<std::size_t>(r);
    const double f = r - static_cast<double>(knot);
    diagonal[knot] += (1 - f) * (1 - f);
    diagonal[knot + 1] += f * f;
    beside[knot] += f * (1 - f);
    profile[knot] += (1 - f) * map[voxel];
    profile[knot + 1] += f * map[voxel];
  });
  solve_tridiagonal(std::move(diagonal), beside, profile);
  std::vector<double> out(map.size());
  for_each_radius(grid, centre, [&](std::size_t voxel, double r) {
    const auto knot = static_cast<std::size_t>(r);
    const double f = r - static_cast<double>(knot);
    out[voxel] = (1 - f) * profile[knot] + f * profile[knot + 1];
  });
  return out;
}

std::vector<double> leaked_by_support(Index grid, std::span<const double> map,
                                      std::span<const std::uint8_t> support, Index shell) {
  const auto spectrum = spectrum_of(grid, map);
  std::vector<std::complex<double>> kept(spectrum.size());
  const Shells low(grid, 0, shell - 1);
  for (Index p = 0; p < low.size(); ++p) {
    for (const Index place : {low.place(p), low.mirror(p)}) {
      kept[static_cast<std::size_t>(place)] = spectrum[static_cast<std::size_t>(place)];
    }
  }
  std::vector<double> out = volume_of(grid, kept);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] *= support[i];
  return out;
}

}  // namespace unfold::spi
