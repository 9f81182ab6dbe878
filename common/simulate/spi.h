#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"
#include "common/formats/spi/structure_factors.h"

namespace unfold::simulate {

/// A square, flat detector across the beam, which meets its middle: pixel (i, j) lies at
/// x = i - (n - 1) / 2, y = j - (n - 1) / 2 pixels, the beam runs along +z.
struct SpiGeometry {
  int size = 32;          ///< pixels an edge
  double wavelength = 2;  ///< Angstrom
  double distance = 0.1;  ///< m
  double corner = 9;      ///< resolution at a corner pixel's centre, Angstrom, or 0: by pixel_size
  double pixel_size = 0;  ///< m; with corner = 0
  double beamstop = 0;    ///< pixels: those whose centre is not farther from the beam are bad
  bool polarization = false;  ///< of a beam polarised along x
  bool solid_angle = false;
};

/// What is hit.
enum class SpiObject {
  kMolecule,
  kRadialMean,  ///< its intensities averaged over orientations: patterns without structure
  kBall,        ///< of one density: isotropic, with rings; no molecule is needed
};
enum class SpiNonHit {
  kRadial,  ///< like a hit's, without structure: what a droplet or a clump leaves
  kEmpty,   ///< the background alone
};
enum class SpiBackground { kUniform, kRadial };  ///< radial: falls as exp(-4 |q| / qmax)

struct SpiOptions {
  SpiGeometry geometry{};
  std::int64_t frames = 1000;
  /// Expected photons of a hit outside the beamstop, mean over hits, background not counted.
  /// 0: no noise; intensities of mean 1 over all pixels and hits.
  double photons = 1000;
  double fluence_sigma = 0;  ///< of its logarithm; fluences have mean 1 over the frames
  double background = 0;     ///< share of a hit's expected counts, < 1; the same in each frame
  SpiBackground background_shape = SpiBackground::kUniform;
  double non_hits = 0;  ///< probability of a frame to be none
  SpiNonHit non_hit = SpiNonHit::kRadial;
  double jitter = 0;                ///< of the beam's centre, pixels rms along each axis
  std::vector<double> fractions{};  ///< of molecules; empty: equal
  SpiObject object = SpiObject::kMolecule;
  double ball_diameter = 60;  ///< Angstrom
  spi_data::Scattering scattering{.b_factor = 40};
  std::uint64_t seed = 1;
  /// [N] (w, x, y, z) instead of random ones, for tests.
  std::vector<std::array<double, 4>> orientations{};
};

struct SpiPatterns {
  spi_data::Detector detector;
  std::int64_t frames = 0;
  std::vector<float> expected;        ///< [N, P] before the noise; 0 at bad pixels
  std::vector<std::uint16_t> counts;  ///< [N, P], or empty: no noise
  spi_data::Truth truth;
  std::vector<std::array<double, 2>> beam_offset;  ///< [N] pixels along x and y
  std::vector<double> background;                  ///< [P] expected in each frame
  double photons_per_intensity = 0;                ///< expected = this x |F|^2 x correction x ...
};

/// Patterns of molecules about their origins in random orientations: volume-frame
/// q = R(quaternion)^T q_lab. Sums over all atoms for each pixel of each frame, on all cores; the
/// same numbers for any number of threads. InvalidArgument with the option's name as field.
absl::StatusOr<SpiPatterns> patterns(std::span<const spi_data::Molecule> molecules,
                                     const SpiOptions& options);

/// Detector of a geometry, without looking at anything else.
absl::StatusOr<spi_data::Detector> detector_of(const SpiGeometry& geometry);

}  // namespace unfold::simulate
