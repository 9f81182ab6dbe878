#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/null_map.h"
#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {
namespace {

using Complex = std::complex<double>;

constexpr double kTrusted = 0.8;     ///< raw correlation of shells that are taken as they are
constexpr double kMostRandom = 0.9;  ///< a shell that the support makes alone cannot be judged

constexpr double kAway = std::numbers::pi / 6;  ///< of alignments that chance makes
constexpr Index kOthers = 6;

/// Sums over a shell's modes.
struct ShellSums {
  std::vector<double> cross, power_a, power_b;

  /// 0 where a shell is empty.
  std::vector<double> correlation() const {
    std::vector<double> out;
    for (std::size_t s = 0; s < cross.size(); ++s) {
      const double power = std::sqrt(power_a[s] * power_b[s]);
      out.push_back(power > 0 ? cross[s] / power : 0);
    }
    return out;
  }
};

ShellSums shells_of(Index grid, std::span<const Complex> a, std::span<const Complex> b) {
  const Shells shells(grid);
  ShellSums out;
  for (Index s = 0; s < shells.end_shell(); ++s) {
    double cross = 0, power_a = 0, power_b = 0;
    for (Index p = shells.begin(s); p < shells.end(s); ++p) {
      const Complex fa = a[static_cast<std::size_t>(shells.place(p))];
      const Complex fb = b[static_cast<std::size_t>(shells.place(p))];
      cross += (fa * std::conj(fb)).real();
      power_a += std::norm(fa);
      power_b += std::norm(fb);
    }
    out.cross.push_back(cross);
    out.power_a.push_back(power_a);
    out.power_b.push_back(power_b);
  }
  return out;
}

/// Real parts without their radial mean; 0 beyond the sphere.
std::vector<Complex> without_radial_mean(Index grid, const std::vector<Complex>& spectrum) {
  const Shells shells(grid);
  std::vector<double> values;
  for (Index p = 0; p < shells.size(); ++p) {
    values.push_back(spectrum[static_cast<std::size_t>(shells.place(p))].real());
  }
  subtract_radial(shells, values);
  std::vector<Complex> out(spectrum.size());
  for (Index p = 0; p < shells.size(); ++p) {
    out[static_cast<std::size_t>(shells.place(p))] = values[static_cast<std::size_t>(p)];
  }
  return out;
}

std::vector<double> without_isotropic(Index grid, std::span<const double> map) {
  std::vector<double> out = isotropic_part(grid, map, centre_of(grid, map));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = map[i] - out[i];
  return out;
}

/// Of three neighbouring shells.
std::vector<double> smoothed(const std::vector<double>& values) {
  std::vector<double> out;
  for (std::size_t s = 0; s < values.size(); ++s) {
    const std::size_t first = s > 0 ? s - 1 : 0, last = std::min(s + 1, values.size() - 1);
    double sum = 0;
    for (std::size_t t = first; t <= last; ++t) sum += values[t];
    out.push_back(sum / static_cast<double>(last - first + 1));
  }
  return out;
}

/// Of a whole curve, by shell's radius.
double overall(const std::vector<double>& correlation) {
  double sum = 0, weights = 0;
  for (std::size_t s = 1; s < correlation.size(); ++s) {
    sum += static_cast<double>(s) * correlation[s];
    weights += static_cast<double>(s);
  }
  return sum / weights;
}

/// What laying b on a as well as possible makes of maps that have nothing in common. `taken`: their
/// correlation as they lie. Where no other way comes near that, searching has made nothing.
std::vector<double> by_search(compute::Cpu& cpu, Index grid, const std::vector<double>& a,
                              const std::vector<double>& b, const std::vector<double>& taken) {
  std::vector<double> mean(taken.size(), 0.0), square(taken.size(), 0.0);
  const auto others = chance_alignments(cpu, grid, a, b, kAway, kOthers);
  const auto fixed_a = spectrum_of(grid, a), fixed_b = spectrum_of(grid, b);
  double nearest = 0;
  for (const Alignment& other : others) {
    const auto moved = spectrum_of(grid, apply(cpu, grid, b, other));
    const auto with_a = shells_of(grid, fixed_a, moved).correlation();
    const auto with_b = shells_of(grid, fixed_b, moved).correlation();
    nearest = std::max(nearest, overall(with_a));
    for (std::size_t s = 0; s < mean.size(); ++s) {
      const double alone = with_a[s] - with_b[s] * taken[s];
      mean[s] += alone / static_cast<double>(others.size());
      square[s] += alone * alone / static_cast<double>(others.size());
    }
  }
  const double likeness = std::clamp(nearest / std::max(overall(taken), 1e-9), 0.0, 1.0);
  for (std::size_t s = 0; s < mean.size(); ++s) {
    mean[s] += std::sqrt(std::max(square[s] - mean[s] * mean[s], 0.0));
    mean[s] *= likeness * likeness;
  }
  return smoothed(mean);
}

}  // namespace

std::vector<double> shell_correlation(compute::Cpu&, Index grid, std::span<const double> a,
                                      std::span<const double> b) {
  return shells_of(grid, spectrum_of(grid, a), spectrum_of(grid, b)).correlation();
}

std::vector<double> intensity_shell_correlation(compute::Cpu&, Index grid,
                                                std::span<const double> a,
                                                std::span<const double> b) {
  return shells_of(grid, without_radial_mean(grid, spectrum_of(grid, a)),
                   without_radial_mean(grid, spectrum_of(grid, b)))
      .correlation();
}

std::vector<double> corrected_correlation(compute::Cpu& cpu, Index grid, std::span<const double> a,
                                          std::span<const double> b,
                                          std::span<const std::uint8_t> support_a,
                                          std::span<const std::uint8_t> support_b) {
  const auto raw = shells_of(grid, spectrum_of(grid, a), spectrum_of(grid, b)).correlation();
  const auto trusted =
      std::find_if(raw.begin(), raw.end(), [](double c) { return c < kTrusted; }) - raw.begin();
  const auto rest_a = without_isotropic(grid, a), rest_b = without_isotropic(grid, b);
  const ShellSums rest = shells_of(grid, spectrum_of(grid, rest_a), spectrum_of(grid, rest_b));
  std::vector<double> out = rest.correlation();

  std::vector<double> random = by_search(cpu, grid, rest_a, rest_b, out);
  const auto null_a = leaked_by_support(grid, rest_a, support_a, trusted);
  const auto null_b = leaked_by_support(grid, rest_b, support_b, trusted);
  const ShellSums null = shells_of(grid, spectrum_of(grid, null_a), spectrum_of(grid, null_b));
  for (auto s = static_cast<std::size_t>(trusted); s < out.size(); ++s) {
    const double power = std::sqrt(rest.power_a[s] * rest.power_b[s]);
    if (power > 0) random[s] = std::max(random[s], null.cross[s] / power);
  }
  for (std::size_t s = 0; s < out.size(); ++s) {
    const double r = std::clamp(random[s], 0.0, kMostRandom);
    out[s] = std::max((out[s] - r) / (1 - r), -1.0);
  }
  return out;
}

double expected_correlation(Index grid, std::span<const double> map,
                            std::span<const double> corrected) {
  const auto structure = spectrum_of(grid, without_isotropic(grid, map));
  const std::vector<double> power = shells_of(grid, structure, structure).power_a;
  double sum = 0, all = 0;
  for (std::size_t s = 1; s < power.size(); ++s) {
    const double f = std::max(corrected[s], 0.0);
    sum += power[s] * std::sqrt(2 * f / (1 + f));
    all += power[s];
  }
  return all > 0 ? sum / all : 0;
}

double resolution_of(std::span<const double> correlation, double qmax, Index grid,
                     double threshold) {
  const double step = 2 * qmax / static_cast<double>(grid);
  // Shell 0 is the mean of each volume: that agrees always.
  for (std::size_t s = 1; s < correlation.size(); ++s) {
    if (correlation[s] >= threshold) continue;
    if (s == 1) return std::numeric_limits<double>::infinity();
    const double above = correlation[s - 1] - threshold;
    const double q = static_cast<double>(s - 1) + above / (correlation[s - 1] - correlation[s]);
    return 1 / (q * step);
  }
  return 1 / qmax;
}

}  // namespace unfold::spi
