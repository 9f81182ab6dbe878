#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/best_shift.h"
#include "workers/kernels/spi/spectrum.h"
#include "workers/kernels/spi/turned_intensity.h"

namespace unfold::spi {
namespace {

using compute::View;
using Complex = std::complex<double>;

constexpr double kRadian = 180 / std::numbers::pi;
constexpr Index kCoarseModes = 600, kFineModes = 12000;
constexpr std::size_t kCoarseKept = 24;      ///< candidates of the grid that are refined
constexpr std::size_t kFineKept = 4;         ///< of those, at full resolution
constexpr double kLastMove = 0.7 / kRadian;  ///< of the search; Newton's method goes on from there
constexpr double kNewtonSteps[] = {0.5 / kRadian, 0.15 / kRadian};  ///< of its differences

struct Candidate {
  Quaternion rotation;
  double agreement = 0;
};

nufft::Modes cube(Index grid) { return {grid, grid, grid}; }

void keep_best(std::vector<Candidate>& candidates, std::size_t count) {
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const Candidate& a, const Candidate& b) { return a.agreement > b.agreement; });
  if (candidates.size() > count) candidates.resize(count);
}

/// The best first, none within `apart` radians of a better one.
void drop_repeats(std::vector<Candidate>& candidates, double apart) {
  std::vector<Candidate> kept;
  for (const Candidate& c : candidates) {
    const bool near = std::any_of(kept.begin(), kept.end(), [&](const Candidate& k) {
      return angle_between(k.rotation, c.rotation) < apart;
    });
    if (!near) kept.push_back(c);
  }
  candidates = std::move(kept);
}

/// Moves along three axes while that helps, then at half the step, down to `last`.
Candidate climb(const TurnedIntensity& compare, const nufft::CosineGrid<float>& turned,
                Candidate best, double first, double last) {
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
Candidate newton(const TurnedIntensity& compare, const nufft::CosineGrid<float>& turned,
                 const Candidate& best, double h) {
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
  nufft::CosineGrid<float> out(cpu, cube(grid), {.tolerance = tolerance});
  out.set(View<const float, 3>(narrow.data(), grid, grid, grid));
  return out;
}

/// Rotations at which b's intensity lies on a's, best first, different ones.
std::vector<Candidate> best_rotations(compute::Cpu& cpu, Index grid, std::span<const double> a,
                                      std::span<const double> b, Index starts) {
  // Speckles are two modes wide where the particle fills half the box: shells beyond this radius
  // would see no overlap between one rotation of the grid and the next.
  const double spacing = spacing_of(starts);
  const Index reach = grid / 2;
  const Index coarse_reach =
      std::clamp(static_cast<Index>(std::lround(2.5 / spacing)), std::min<Index>(3, reach), reach);
  const TurnedIntensity coarse(grid, a, 1, coarse_reach, kCoarseModes);
  const auto rough = intensity_of(cpu, grid, b, 1e-2);
  std::vector<Candidate> candidates(static_cast<std::size_t>(starts));
  cpu.parallel_for(starts, [&](Index j) {
    const Quaternion r = super_fibonacci(j, starts);
    candidates[static_cast<std::size_t>(j)] = {r, coarse.agreement(rough, r)};
  });
  const auto refine = [&](const TurnedIntensity& compare, const auto& turned, double first,
                          double last) {
    cpu.parallel_for(static_cast<Index>(candidates.size()), [&](Index j) {
      Candidate& c = candidates[static_cast<std::size_t>(j)];
      c = climb(compare, turned, c, first, last);
    });
  };
  keep_best(candidates, kCoarseKept);
  refine(coarse, rough, spacing / 3, spacing / 12);
  keep_best(candidates, kCoarseKept);
  drop_repeats(candidates, spacing / 3);
  keep_best(candidates, kFineKept);

  const TurnedIntensity fine(grid, a, 1, reach, kFineModes);
  const auto exact = intensity_of(cpu, grid, b, 1e-4);
  refine(fine, exact, spacing / 12, kLastMove);
  cpu.parallel_for(static_cast<Index>(candidates.size()), [&](Index j) {
    Candidate& c = candidates[static_cast<std::size_t>(j)];
    for (const double h : kNewtonSteps) c = newton(fine, exact, c, h);
  });
  keep_best(candidates, kFineKept);
  drop_repeats(candidates, 1 / kRadian);
  return candidates;
}

std::vector<double> autocorrelation_of(Index grid, std::span<const double> density) {
  auto spectrum = spectrum_of(grid, density);
  for (Complex& f : spectrum) f = std::norm(f);
  return volume_of(grid, spectrum);
}

/// F of `density` at R^T k for the modes of `shells`.
std::vector<Complex> turned_modes(compute::Cpu& cpu, const Shells& shells,
                                  std::span<const double> density, const Quaternion& rotation,
                                  double tolerance) {
  const Index m = shells.grid();
  const Matrix3 r = matrix_of(rotation);
  const double radians = 2 * std::numbers::pi / static_cast<double>(m);
  std::vector<double> points;
  points.reserve(static_cast<std::size_t>(3 * shells.size()));
  for (Index p = 0; p < shells.size(); ++p) {
    const Mode& mode = shells.mode(p);
    for (std::size_t d = 0; d < 3; ++d) {
      points.push_back(radians * (r[d] * mode.k[0] + r[3 + d] * mode.k[1] + r[6 + d] * mode.k[2]));
    }
  }
  nufft::Plan<double> plan(cpu, cube(m), {.tolerance = tolerance});
  plan.set_points(View<const double, 2>(points.data(), shells.size(), 3));
  std::vector<Complex> volume(density.begin(), density.end());
  std::vector<Complex> out(static_cast<std::size_t>(shells.size()));
  plan.type2(View<const Complex, 3>(volume.data(), m, m, m),
             View<Complex, 1>(out.data(), shells.size()));
  return out;
}

std::vector<Complex> modes_of(const Shells& shells, std::span<const double> density) {
  const auto spectrum = spectrum_of(shells.grid(), density);
  std::vector<Complex> out(static_cast<std::size_t>(shells.size()));
  for (Index p = 0; p < shells.size(); ++p) {
    out[static_cast<std::size_t>(p)] = spectrum[static_cast<std::size_t>(shells.place(p))];
  }
  return out;
}

/// 1 / sqrt(power of a x power of b) in each shell, so that no shell outshouts the others; the
/// zero frequency tells no position.
std::vector<Complex> whitened_cross(const Shells& shells, const std::vector<Complex>& a,
                                    const std::vector<Complex>& b, bool inverted) {
  std::vector<Complex> cross(a.size());
  for (Index s = std::max<Index>(1, shells.first_shell()); s < shells.end_shell(); ++s) {
    double power_a = 0, power_b = 0;
    for (auto p = static_cast<std::size_t>(shells.begin(s));
         p < static_cast<std::size_t>(shells.end(s)); ++p) {
      power_a += std::norm(a[p]);
      power_b += std::norm(b[p]);
    }
    const double scale = std::sqrt(power_a * power_b) /
                         static_cast<double>(std::max<Index>(1, shells.end(s) - shells.begin(s)));
    if (!(scale > 0)) continue;
    for (auto p = static_cast<std::size_t>(shells.begin(s));
         p < static_cast<std::size_t>(shells.end(s)); ++p) {
      cross[p] = a[p] * (inverted ? b[p] : std::conj(b[p])) / scale;
    }
  }
  return cross;
}

/// Without the zero frequency, after rotation, hand and shift.
double correlation_after(const Shells& shells, const std::vector<Complex>& a,
                         const std::vector<Complex>& b, const Alignment& alignment) {
  const double radians = 2 * std::numbers::pi / static_cast<double>(shells.grid());
  double cross = 0, power_a = 0, power_b = 0;
  for (Index p = 0; p < shells.size(); ++p) {
    const Mode& mode = shells.mode(p);
    if (mode.k[0] == 0 && mode.k[1] == 0 && mode.k[2] == 0) continue;
    const Complex fa = a[static_cast<std::size_t>(p)];
    Complex fb = b[static_cast<std::size_t>(p)];
    if (alignment.inverted) fb = std::conj(fb);
    double turn = 0;
    for (int d = 0; d < 3; ++d) turn += radians * mode.k[d] * alignment.shift[d];
    cross += (fa * std::conj(fb) * std::polar(1.0, turn)).real();
    power_a += std::norm(fa);
    power_b += std::norm(fb);
  }
  const double power = std::sqrt(power_a * power_b);
  return power > 0 ? cross / power : 0;
}

}  // namespace

Alignment align_intensities(compute::Cpu& cpu, Index grid, std::span<const double> a,
                            std::span<const double> b, Index starts) {
  const Candidate best = best_rotations(cpu, grid, a, b, starts).front();
  return {.rotation = best.rotation, .correlation = best.agreement};
}

Alignment align_densities(compute::Cpu& cpu, Index grid, std::span<const double> a,
                          std::span<const double> b, Index starts) {
  const auto rotations =
      best_rotations(cpu, grid, autocorrelation_of(grid, a), autocorrelation_of(grid, b), starts);
  const Shells shells(grid);
  const std::vector<Complex> fixed = modes_of(shells, a);
  Alignment best;
  double highest = -1;
  for (const Candidate& candidate : rotations) {
    const auto turned = turned_modes(cpu, shells, b, candidate.rotation, 1e-5);
    for (const bool inverted : {false, true}) {
      const ShiftFound found = best_shift(shells, whitened_cross(shells, fixed, turned, inverted));
      if (found.agreement <= highest) continue;
      highest = found.agreement;
      best = {.rotation = candidate.rotation, .inverted = inverted};
      std::copy(found.shift.begin(), found.shift.end(), best.shift);
      best.correlation = correlation_after(shells, fixed, turned, best);
    }
  }
  return best;
}

std::vector<double> apply(compute::Cpu& cpu, Index grid, std::span<const double> b,
                          const Alignment& alignment) {
  const Shells shells(grid);
  const auto turned = turned_modes(cpu, shells, b, alignment.rotation, 1e-11);
  const double radians = 2 * std::numbers::pi / static_cast<double>(grid);
  std::vector<Complex> spectrum(b.size());
  for (Index p = 0; p < shells.size(); ++p) {
    Complex f = turned[static_cast<std::size_t>(p)];
    if (alignment.inverted) f = std::conj(f);
    double turn = 0;
    for (int d = 0; d < 3; ++d) turn += radians * shells.mode(p).k[d] * alignment.shift[d];
    f *= std::polar(1.0, -turn);
    spectrum[static_cast<std::size_t>(shells.mirror(p))] = std::conj(f);
    spectrum[static_cast<std::size_t>(shells.place(p))] = f;
  }
  return volume_of(grid, spectrum);
}

}  // namespace unfold::spi
