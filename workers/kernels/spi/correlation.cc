#include <algorithm>
#include <cmath>
#include <limits>

#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/null_map.h"
#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {
namespace {

using Complex = std::complex<double>;

constexpr double kTrusted = 0.8;      ///< raw correlation of shells that are taken as they are
constexpr double kMostRandom = 0.99;  ///< a shell that the support makes alone cannot be judged

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

std::vector<double> minus(std::span<const double> a, const std::vector<double>& b) {
  std::vector<double> out(a.begin(), a.end());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] -= b[i];
  return out;
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

std::vector<double> corrected_correlation(compute::Cpu&, Index grid, std::span<const double> a,
                                          std::span<const double> b,
                                          std::span<const std::uint8_t> support_a,
                                          std::span<const std::uint8_t> support_b) {
  const auto raw = shells_of(grid, spectrum_of(grid, a), spectrum_of(grid, b)).correlation();
  const auto first = std::find_if(raw.begin(), raw.end(), [](double c) { return c < kTrusted; });
  const auto shell = static_cast<Index>(first - raw.begin());

  const auto rest_a = minus(a, isotropic_part(grid, a, support_a, centre_of(grid, a)));
  const auto rest_b = minus(b, isotropic_part(grid, b, support_b, centre_of(grid, b)));
  const ShellSums rest = shells_of(grid, spectrum_of(grid, rest_a), spectrum_of(grid, rest_b));
  std::vector<double> out = rest.correlation();
  if (first == raw.end()) return out;
  const auto null_a = determined_by_support(grid, rest_a, support_a, shell);
  const auto null_b = determined_by_support(grid, rest_b, support_b, shell);
  const ShellSums null = shells_of(grid, spectrum_of(grid, null_a), spectrum_of(grid, null_b));
  for (auto s = static_cast<std::size_t>(shell); s < out.size(); ++s) {
    const double power = std::sqrt(rest.power_a[s] * rest.power_b[s]);
    const double random = power > 0 ? std::clamp(null.cross[s] / power, 0.0, kMostRandom) : 0;
    out[s] = (out[s] - random) / (1 - random);
  }
  return out;
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
