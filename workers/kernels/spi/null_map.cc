#include "workers/kernels/spi/null_map.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {
namespace {

constexpr double kKnots = 2;         ///< a voxel
constexpr double kRidge = 1e-9;      ///< keeps knots without voxels at 0
constexpr int kMaxSteps = 60;        ///< of conjugate gradients
constexpr double kTolerance = 1e-4;  ///< they stop at |r| <= tolerance |right-hand side|

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

/// Waves of shells below a limit.
class LowShells {
 public:
  LowShells(Index grid, Index limit) : grid_(grid), shells_(grid, 0, limit - 1) {}

  std::vector<double> only(std::span<const double> volume) const {
    const auto spectrum = spectrum_of(grid_, volume);
    std::vector<std::complex<double>> kept(spectrum.size());
    for (Index p = 0; p < shells_.size(); ++p) {
      for (const Index place : {shells_.place(p), shells_.mirror(p)}) {
        kept[static_cast<std::size_t>(place)] = spectrum[static_cast<std::size_t>(place)];
      }
    }
    return volume_of(grid_, kept);
  }

 private:
  Index grid_;
  Shells shells_;
};

std::vector<double> within(std::vector<double> volume, std::span<const std::uint8_t> support) {
  for (std::size_t i = 0; i < volume.size(); ++i) volume[i] *= support[i];
  return volume;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void add(double factor, const std::vector<double>& from, std::vector<double>& to) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
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

std::vector<double> isotropic_part(Index grid, std::span<const double> map,
                                   std::span<const std::uint8_t> support, const Centre& centre) {
  const auto knots = static_cast<std::size_t>(2 * kKnots * static_cast<double>(grid)) + 2;
  std::vector<double> diagonal(knots, kRidge), beside(knots - 1, 0.0), profile(knots, 0.0);
  for_each_radius(grid, centre, [&](std::size_t voxel, double r) {
    if (support[voxel] == 0) return;
    const auto knot = static_cast<std::size_t>(r);
    const double f = r - static_cast<double>(knot);
    diagonal[knot] += (1 - f) * (1 - f);
    diagonal[knot + 1] += f * f;
    beside[knot] += f * (1 - f);
    profile[knot] += (1 - f) * map[voxel];
    profile[knot + 1] += f * map[voxel];
  });
  solve_tridiagonal(std::move(diagonal), beside, profile);
  std::vector<double> out(map.size(), 0.0);
  for_each_radius(grid, centre, [&](std::size_t voxel, double r) {
    if (support[voxel] == 0) return;
    const auto knot = static_cast<std::size_t>(r);
    const double f = r - static_cast<double>(knot);
    out[voxel] = (1 - f) * profile[knot] + f * profile[knot + 1];
  });
  return out;
}

std::vector<double> determined_by_support(Index grid, std::span<const double> map,
                                          std::span<const std::uint8_t> support, Index shell) {
  std::vector<double> y(map.size(), 0.0);
  if (shell <= 0) return y;
  // min |map - support (P y)|^2 by conjugate gradients on P support P y = P support map; y = P y.
  const LowShells low(grid, shell);
  std::vector<double> r = low.only(within({map.begin(), map.end()}, support));
  std::vector<double> p = r;
  double rr = dot(r, r);
  const double stop = kTolerance * kTolerance * rr;
  for (int step = 0; step < kMaxSteps && rr > stop; ++step) {
    const std::vector<double> q = low.only(within(p, support));
    const double alpha = rr / dot(p, q);
    add(alpha, p, y);
    add(-alpha, q, r);
    const double next = dot(r, r);
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = r[i] + next / rr * p[i];
    rr = next;
  }
  return within(std::move(y), support);
}

}  // namespace unfold::spi
