#include "workers/kernels/spi/rotation_search.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "workers/kernels/spi/turned_intensity.h"

namespace unfold::spi {
namespace {

using compute::View;

constexpr double kRadian = 180 / std::numbers::pi;
constexpr Index kCoarseModes = 600, kFineModes = 12000;
constexpr std::size_t kCoarseKept = 24;      ///< candidates of the grid that are refined
constexpr std::size_t kCoarseLooked = 400;   ///< among which different ones are looked for
constexpr double kLastMove = 0.7 / kRadian;  ///< of the search; Newton's method goes on from there
constexpr double kNewtonSteps[] = {0.5 / kRadian, 0.15 / kRadian};  ///< of its differences

void keep_best(std::vector<RotationCandidate>& candidates, std::size_t count) {
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const RotationCandidate& a, const RotationCandidate& b) {
                     return a.agreement > b.agreement;
                   });
  if (candidates.size() > count) candidates.resize(count);
}

/// The best first, none within `apart` radians of a better one.
void drop_repeats(std::vector<RotationCandidate>& candidates, double apart) {
  std::vector<RotationCandidate> kept;
  for (const RotationCandidate& c : candidates) {
    const bool near = std::any_of(kept.begin(), kept.end(), [&](const RotationCandidate& k) {
      return angle_between(k.rotation, c.rotation) < apart;
    });
    if (!near) kept.push_back(c);
  }
  candidates = std::move(kept);
}

void drop_near_identity(std::vector<RotationCandidate>& candidates, double away) {
  std::erase_if(candidates, [&](const RotationCandidate& c) {
    return angle_between(c.rotation, {1, 0, 0, 0}) < away;
  });
}

/// Moves along three axes while that helps, then at half the step, down to `last`.
RotationCandidate climb(const TurnedIntensity& compare, const nufft::CosineGrid<float>& turned,
                        RotationCandidate best, double first, double last) {
  best.agreement = compare.agreement(turned, best.rotation);
  for (double step = first; step > last; step /= 2) {
    for (bool moved = true; moved;) {
      moved = false;
      for (int move = 0; move < 6; ++move) {
        std::array<double, 3> turn{};
        turn[static_cast<std::size_t>(move / 2)] = move % 2 == 0 ? step : -step;
        const Quaternion next = multiply(rotation_by(turn), best.rotation);
        const double agreement = compare.agreement(turned, next);
        if (agreement > best.agreement) {
          best = {next, agreement};
          moved = true;
        }
      }
    }
  }
  return best;
}

/// Solves h x = g for a symmetric 3 x 3 matrix by Cramer's rule; zeros where it is singular.
std::array<double, 3> solve3(const double (&h)[3][3], const std::array<double, 3>& g) {
  const auto minor = [&](int r, int c) {
    const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return h[r1][c1] * h[r2][c2] - h[r1][c2] * h[r2][c1];
  };
  const double det = h[0][0] * minor(0, 0) + h[0][1] * minor(0, 1) + h[0][2] * minor(0, 2);
  std::array<double, 3> x{};
  if (det == 0) return x;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j)
      x[static_cast<std::size_t>(i)] += minor(j, i) / det * g[static_cast<std::size_t>(j)];
  }
  return x;
}

/// One step of Newton's method with differences over `h` radians; kept where it helps.
RotationCandidate newton(const TurnedIntensity& compare, const nufft::CosineGrid<float>& turned,
                         const RotationCandidate& best, double h) {
  const auto at = [&](const std::array<double, 3>& turn) {
    return compare.agreement(turned, multiply(rotation_by(turn), best.rotation));
  };
  const auto axis = [&](std::size_t i, double by) {
    std::array<double, 3> turn{};
    turn[i] = by;
    return turn;
  };
  std::array<double, 3> slope{}, ahead{};
  double curve[3][3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    ahead[i] = at(axis(i, h));
    const double behind = at(axis(i, -h));
    slope[i] = (ahead[i] - behind) / (2 * h);
    curve[i][i] = (ahead[i] - 2 * best.agreement + behind) / (h * h);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = i + 1; j < 3; ++j) {
      std::array<double, 3> both = axis(i, h);
      both[j] = h;
      curve[i][j] = curve[j][i] = (at(both) - ahead[i] - ahead[j] + best.agreement) / (h * h);
    }
  }
  std::array<double, 3> step = solve3(curve, slope);
  for (double& x : step) x = std::clamp(-x, -4 * h, 4 * h);
  const double agreement = at(step);
  if (!(agreement > best.agreement)) return best;
  return {multiply(rotation_by(step), best.rotation), agreement};
}

/// `autocorrelation`'s intensity at any scale, ready to be turned.
nufft::CosineGrid<float> intensity_of(compute::Cpu& cpu, Index grid,
                                      std::span<const double> autocorrelation, double tolerance) {
  const double largest = *std::max_element(autocorrelation.begin(), autocorrelation.end());
  std::vector<float> narrow;
  for (const double v : autocorrelation) {
    narrow.push_back(static_cast<float>(largest > 0 ? v / largest : v));
  }
  nufft::CosineGrid<float> out(cpu, {grid, grid, grid}, {.tolerance = tolerance});
  out.set(View<const float, 3>(narrow.data(), grid, grid, grid));
  return out;
}

}  // namespace

std::vector<RotationCandidate> best_rotations(compute::Cpu& cpu, Index grid,
                                              std::span<const double> a, std::span<const double> b,
                                              const RotationSearch& search) {
  // Speckles are two modes wide where the particle fills half the box: shells beyond this radius
  // would see no overlap between one rotation of the grid and the next.
  const double spacing = spacing_of(search.starts);
  const Index reach = grid / 2;
  const Index coarse_reach =
      std::clamp(static_cast<Index>(std::lround(2.5 / spacing)), std::min<Index>(3, reach), reach);
  const TurnedIntensity coarse(grid, a, 1, coarse_reach, kCoarseModes);
  const auto rough = intensity_of(cpu, grid, b, 1e-2);
  std::vector<RotationCandidate> candidates(static_cast<std::size_t>(search.starts));
  cpu.parallel_for(search.starts, [&](Index j) {
    const Quaternion r = super_fibonacci(j, search.starts);
    candidates[static_cast<std::size_t>(j)] = {r, coarse.agreement(rough, r)};
  });
  const auto refine = [&](const TurnedIntensity& compare, const auto& turned, double first,
                          double last) {
    cpu.parallel_for(static_cast<Index>(candidates.size()), [&](Index j) {
      RotationCandidate& c = candidates[static_cast<std::size_t>(j)];
      c = climb(compare, turned, c, first, last);
    });
  };
  if (search.away > 0) {
    drop_near_identity(candidates, search.away);
    keep_best(candidates, kCoarseLooked);
    drop_repeats(candidates, spacing);
  }
  keep_best(candidates, kCoarseKept);
  refine(coarse, rough, spacing / 3, spacing / 12);
  keep_best(candidates, kCoarseKept);
  drop_repeats(candidates, spacing / 3);
  keep_best(candidates, search.kept);

  const TurnedIntensity fine(grid, a, 1, reach, kFineModes);
  const auto exact = intensity_of(cpu, grid, b, 1e-4);
  refine(fine, exact, spacing / 12, kLastMove);
  cpu.parallel_for(static_cast<Index>(candidates.size()), [&](Index j) {
    RotationCandidate& c = candidates[static_cast<std::size_t>(j)];
    for (const double h : kNewtonSteps) c = newton(fine, exact, c, h);
  });
  drop_near_identity(candidates, search.away);
  keep_best(candidates, search.kept);
  drop_repeats(candidates, 1 / kRadian);
  return candidates;
}

}  // namespace unfold::spi
