#include "common/simulate/spectra.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numbers>

#include "common/simulate/random.h"

namespace unfold::simulate {
namespace {

constexpr std::uint64_t kTargetStream = 0x7a46;
constexpr std::uint64_t kSkySeed = 557734;     // the sky is the same for every seed
constexpr double kSkyCell = 20.0;              // Angstrom
constexpr std::int64_t kMostLinesPerCell = 3;  // 0 .. 3 of them, 1.5 on the average
constexpr double kSkySigma = 0.12;             // Angstrom

double power_of_ten(Random& random, double low, double high) {
  return std::pow(10.0, random.uniform(low, high));
}

double sky_continuum(double wavelength) {
  return 30.0 * (1.0 + 0.12 * std::sin(wavelength / 41.0)) *
         (0.8 + 0.4 / (1.0 + std::exp((7000.0 - wavelength) / 900.0)));
}

/// Blackbody photons, normalised to 1 at 6500 Angstrom.
double blackbody(double wavelength, double kelvin) {
  constexpr double kHcOverK = 1.438777e8;  // Angstrom kelvin
  const auto planck = [kelvin](double w) {
    return std::pow(w / 6500.0, -4) / std::expm1(kHcOverK / (w * kelvin));
  };
  return planck(wavelength) / planck(6500.0);
}

double object_continuum(const Target& target, double wavelength) {
  const double rest = wavelength / (1 + target.redshift);
  switch (target.kind) {
    case ObjectKind::kSky:
      return 0;
    case ObjectKind::kElg:
      return target.level;
    case ObjectKind::kLrg:  // a break at 4000 Angstrom, red beyond
      return target.level * (0.35 + 0.65 / (1 + std::exp((4000.0 - rest) / 40.0))) *
             std::pow(wavelength / 6500.0, 1.2);
    case ObjectKind::kQso:
      return target.level * std::pow(wavelength / 6500.0, -0.5);
    case ObjectKind::kStar:
      return target.level * blackbody(wavelength, 4000.0 + 4000.0 * target.redshift * 1e3);
  }
  return 0;
}

/// Lines at the rest wavelengths `rest`, redshifted; `strength` photons for the first.
template <std::size_t N>
void add_lines(Target& target, const std::array<double, N>& rest,
               const std::array<double, N>& ratio, double strength, double sigma) {
  for (std::size_t i = 0; i < N; ++i) {
    target.lines.push_back({rest[i] * (1 + target.redshift), sigma, strength * ratio[i]});
  }
}

void make_elg(Target& target, Random& random) {
  target.redshift = random.uniform(0.3, 1.6);
  target.level = random.uniform(1, 10);
  constexpr std::array kRest = {3727.09, 3729.88, 4862.69, 4960.30, 5008.24, 6564.61};
  constexpr std::array kRatio = {0.7, 1.0, 0.5, 0.5, 1.5, 2.0};
  add_lines(target, kRest, kRatio, power_of_ten(random, 1.8, 3.3), random.uniform(0.6, 1.6));
  // A few lines of whatever else is there, so that every grid sees some.
  for (int i = 0; i < 6; ++i) {
    target.lines.push_back(
        {random.uniform(3600, 9824), random.uniform(0.6, 1.6), power_of_ten(random, 1.8, 3.3)});
  }
}

void make_lrg(Target& target, Random& random) {
  target.redshift = random.uniform(0.3, 1.0);
  target.level = random.uniform(10, 60);
  constexpr std::array kRest = {3934.8, 3969.6, 4305.6, 5176.0, 5895.6};
  constexpr std::array kRatio = {-1.0, -0.9, -0.6, -0.8, -0.5};
  add_lines(target, kRest, kRatio, 6.0 * target.level, 6.0);
}

void make_qso(Target& target, Random& random) {
  target.redshift = random.uniform(0.6, 3.2);
  target.level = power_of_ten(random, 1.0, 2.0);
  constexpr std::array kRest = {1215.7, 1549.1, 1908.7, 2799.1, 4862.7};
  constexpr std::array kRatio = {3.0, 1.0, 0.6, 0.7, 0.8};
  add_lines(target, kRest, kRatio, 60.0 * target.level, random.uniform(20, 50));
}

void make_star(Target& target, Random& random) {
  target.redshift = random.uniform(0, 1e-3);
  target.level = power_of_ten(random, 2.3, 3.3);
  constexpr std::array kRest = {6564.6, 4862.7, 4341.7, 4102.9, 5891.6, 8544.4, 8664.5};
  constexpr std::array kRatio = {-1.0, -0.9, -0.8, -0.7, -0.25, -0.4, -0.3};
  add_lines(target, kRest, kRatio, 4.0 * target.level, 4.0);
}

/// Share of a Gaussian line within [low, high].
double share_within(const Line& line, double low, double high) {
  const double scale = 1 / (line.sigma * std::numbers::sqrt2);
  return 0.5 * (std::erf((high - line.centre) * scale) - std::erf((low - line.centre) * scale));
}

void add_line(const Line& line, std::span<const double> wavelength, double width,
              std::vector<double>& photons) {
  const double reach = 8 * line.sigma + width;
  const auto first = std::lower_bound(wavelength.begin(), wavelength.end(), line.centre - reach);
  for (auto w = first; w != wavelength.end() && *w < line.centre + reach; ++w) {
    photons[static_cast<std::size_t>(std::distance(wavelength.begin(), w))] +=
        line.photons * share_within(line, *w - width / 2, *w + width / 2);
  }
}

}  // namespace

std::string_view name_of(ObjectKind kind) {
  constexpr std::array<std::string_view, 5> kNames = {"SKY", "ELG", "LRG", "QSO", "STAR"};
  return kNames[static_cast<std::size_t>(kind)];
}

Target make_target(int fibre, std::uint64_t seed) {
  Random random(seed, (kTargetStream << 32) + static_cast<std::uint64_t>(fibre));
  Target target;
  target.throughput = random.uniform(0.9, 1.1);
  const double kind = random.uniform();
  if (kind < 0.10) return target;
  if (kind < 0.50) {
    target.kind = ObjectKind::kElg;
    make_elg(target, random);
  } else if (kind < 0.70) {
    target.kind = ObjectKind::kLrg;
    make_lrg(target, random);
  } else if (kind < 0.88) {
    target.kind = ObjectKind::kQso;
    make_qso(target, random);
  } else {
    target.kind = ObjectKind::kStar;
    make_star(target, random);
  }
  return target;
}

std::vector<Line> sky_lines(double low, double high) {
  std::vector<Line> lines;
  const auto first = static_cast<std::int64_t>(std::floor(low / kSkyCell));
  const auto last = static_cast<std::int64_t>(std::floor(high / kSkyCell));
  for (std::int64_t cell = first; cell <= last; ++cell) {
    Random random(kSkySeed, static_cast<std::uint64_t>(cell));
    const std::int64_t count = random.below(kMostLinesPerCell + 1);
    for (std::int64_t i = 0; i < count; ++i) {
      const double centre = kSkyCell * (static_cast<double>(cell) + random.uniform());
      const double photons = power_of_ten(random, 1.5, 4.3);
      if (centre >= low && centre < high) lines.push_back({centre, kSkySigma, photons});
    }
  }
  std::sort(lines.begin(), lines.end(),
            [](const Line& a, const Line& b) { return a.centre < b.centre; });
  return lines;
}

std::vector<double> photons_per_bin(const Target& target, std::span<const Line> sky,
                                    std::span<const double> wavelength, double width) {
  std::vector<double> photons(wavelength.size());
  for (std::size_t i = 0; i < wavelength.size(); ++i) {
    photons[i] = object_continuum(target, wavelength[i]) * width;
  }
  for (const Line& line : target.lines) add_line(line, wavelength, width, photons);
  for (double& p : photons) p = std::max(p, 0.0);
  for (const Line& line : sky) add_line(line, wavelength, width, photons);
  for (std::size_t i = 0; i < wavelength.size(); ++i) {
    photons[i] = target.throughput * (photons[i] + sky_continuum(wavelength[i]) * width);
  }
  return photons;
}

}  // namespace unfold::simulate
