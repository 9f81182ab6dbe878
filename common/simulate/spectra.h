#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace unfold::simulate {

enum class ObjectKind { kSky, kElg, kLrg, kQso, kStar };

/// "SKY", "ELG", ...
std::string_view name_of(ObjectKind kind);

/// A line with a Gaussian profile; negative photons absorb.
struct Line {
  double centre = 0;   ///< Angstrom
  double sigma = 0;    ///< Angstrom
  double photons = 0;  ///< of the whole line
};

/// What one fibre looks at. One fibre in ten sees sky only.
struct Target {
  ObjectKind kind = ObjectKind::kSky;
  double throughput = 1;  ///< of the fibre, 0.9 .. 1.1, for sky and object alike
  double redshift = 0;
  double level = 0;  ///< photons per Angstrom of the object's continuum, near 6500 Angstrom
  std::vector<Line> lines;
};

/// The target of `fibre`; a function of the two numbers only.
Target make_target(int fibre, std::uint64_t seed);

/// Night sky emission lines whose centres lie in [low, high) Angstrom, sorted: about 0.075 an
/// Angstrom, sigma 0.12 Angstrom (unresolved by the spectrograph), 10^1.5 .. 10^4.3 photons. The
/// same lines whatever the range asked for.
std::vector<Line> sky_lines(double low, double high);

/// Sky and object through the fibre: photons in each bin centre +- width/2. Continua are taken at
/// the bin's centre, lines are integrated over it. Never negative.
/// wavelength [n] Angstrom, increasing; sky: sky_lines() of at least the range of `wavelength`.
std::vector<double> photons_per_bin(const Target& target, std::span<const Line> sky,
                                    std::span<const double> wavelength, double width);

}  // namespace unfold::simulate
