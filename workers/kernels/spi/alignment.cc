#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/best_shift.h"
#include "workers/kernels/spi/rotation_search.h"
#include "workers/kernels/spi/spectrum.h"
#include "workers/nufft/nufft.h"

namespace unfold::spi {
namespace {

using compute::View;
using Complex = std::complex<double>;

nufft::Modes cube(Index grid) { return {grid, grid, grid}; }

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

/// 1 / sqrt(power of a x power of b) in each shell, so that no shell outshouts the others, and
/// 1 / s, as the highest are the most modes and the noisiest; the zero frequency tells no position.
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
    const double scale = static_cast<double>(s) * std::sqrt(power_a * power_b) /
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

/// `b` at a rotation, of both hands the better one, shifted.
struct Laid {
  Alignment alignment;
  double agreement = -1;
};
Laid lay(compute::Cpu& cpu, const Shells& shells, const std::vector<Complex>& fixed,
         std::span<const double> b, const Quaternion& rotation) {
  const auto turned = turned_modes(cpu, shells, b, rotation, 1e-5);
  Laid best;
  for (const bool inverted : {false, true}) {
    const ShiftFound found = best_shift(shells, whitened_cross(shells, fixed, turned, inverted));
    if (found.agreement <= best.agreement) continue;
    best = {{.rotation = rotation, .inverted = inverted}, found.agreement};
    std::copy(found.shift.begin(), found.shift.end(), best.alignment.shift);
  }
  best.alignment.correlation = correlation_after(shells, fixed, turned, best.alignment);
  return best;
}

std::vector<Laid> lay_all(compute::Cpu& cpu, Index grid, std::span<const double> a,
                          std::span<const double> b, const RotationSearch& search) {
  const Shells shells(grid);
  const std::vector<Complex> fixed = modes_of(shells, a);
  std::vector<Laid> out;
  for (const RotationCandidate& candidate : best_rotations(cpu, grid, autocorrelation_of(grid, a),
                                                           autocorrelation_of(grid, b), search)) {
    out.push_back(lay(cpu, shells, fixed, b, candidate.rotation));
  }
  return out;
}

}  // namespace

Alignment align_intensities(compute::Cpu& cpu, Index grid, std::span<const double> a,
                            std::span<const double> b, Index starts) {
  const RotationCandidate best = best_rotations(cpu, grid, a, b, {.starts = starts}).front();
  return {.rotation = best.rotation, .correlation = best.agreement};
}

Alignment align_densities(compute::Cpu& cpu, Index grid, std::span<const double> a,
                          std::span<const double> b, Index starts) {
  const auto laid = lay_all(cpu, grid, a, b, {.starts = starts});
  return std::max_element(laid.begin(), laid.end(),
                          [](const Laid& x, const Laid& y) { return x.agreement < y.agreement; })
      ->alignment;
}

std::vector<Alignment> chance_alignments(compute::Cpu& cpu, Index grid, std::span<const double> a,
                                         std::span<const double> b, double away, Index count) {
  std::vector<Alignment> out;
  for (const Laid& laid :
       lay_all(cpu, grid, a, b, {.kept = static_cast<std::size_t>(count), .away = away})) {
    out.push_back(laid.alignment);
  }
  return out;
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
