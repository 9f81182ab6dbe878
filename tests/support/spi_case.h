#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/hdf5_numbers.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"

/// Reads the shared single-particle cases (data/spi) for tests.
namespace unfold::test {

/// Frames in the cspi layout, with what is known of the truth.
struct SpiCase {
  spi::Detector detector;
  spi::PatternSet frames = spi::PatternSet::dense(0, 0, std::vector<float>{});
  std::vector<spi::Quaternion> orientation;  ///< [N]
  std::vector<double> fluence;               ///< [N], mean 1, or empty
  std::vector<double> density;               ///< [M^3] centred, or empty
  std::vector<float> background;             ///< [P] photons a frame, or empty
};

inline spi::Detector read_spi_detector(const Hdf5Numbers& file) {
  const std::vector<double> q = file.doubles("pixel_position_reciprocal");  // [3, P], 1/m
  const std::size_t pixels = q.size() / 3;
  spi::Detector detector;
  detector.q.resize(q.size());
  detector.correction.assign(pixels, 1.0f);
  detector.mask.assign(pixels, spi::PixelClass::kGood);
  const auto valid = file.has("valid") ? file.doubles("valid") : std::vector<double>(pixels, 1.0);
  for (std::size_t p = 0; p < pixels; ++p) {
    double square = 0;
    for (std::size_t d = 0; d < 3; ++d) {
      const double x = q[d * pixels + p] * 1e-10;
      detector.q[3 * p + d] = x;
      square += x * x;
    }
    if (valid[p] == 0) {
      detector.mask[p] = spi::PixelClass::kBad;
    } else {
      detector.qmax = std::max(detector.qmax, std::sqrt(square));
    }
  }
  return detector;
}

/// The first `limit` frames of c4_full_clean.h5 ("intensities") or c5_full_noisy.h5 ("photons").
inline SpiCase read_spi_case(const std::string& path, std::size_t limit = 1u << 30) {
  const Hdf5Numbers file(path);
  SpiCase out;
  out.detector = read_spi_detector(file);
  const auto pixels = out.detector.mask.size();
  const bool photons = file.has("photons");
  const std::vector<double> values = file.doubles(photons ? "photons" : "intensities");
  const std::size_t frames = std::min(limit, values.size() / pixels);
  const auto end = values.begin() + static_cast<std::ptrdiff_t>(frames * pixels);
  const auto n = static_cast<std::ptrdiff_t>(frames), p = static_cast<std::ptrdiff_t>(pixels);
  if (photons) {
    std::vector<std::uint16_t> counts(frames * pixels);
    std::transform(values.begin(), end, counts.begin(),
                   [](double x) { return static_cast<std::uint16_t>(x); });
    out.frames = spi::PatternSet::dense(n, p, std::move(counts));
  } else {
    std::vector<float> intensities(frames * pixels);
    std::transform(values.begin(), end, intensities.begin(),
                   [](double x) { return static_cast<float>(x); });
    out.frames = spi::PatternSet::dense(n, p, std::move(intensities));
  }
  const std::vector<double> turn = file.doubles("orientations");
  for (std::size_t i = 0; i < frames; ++i) {
    out.orientation.push_back({turn[4 * i], turn[4 * i + 1], turn[4 * i + 2], turn[4 * i + 3]});
  }
  if (file.has("fluences_true")) out.fluence = file.doubles("fluences_true");
  out.fluence.resize(std::min(out.fluence.size(), frames));
  if (file.has("rho_true")) out.density = file.doubles("rho_true");
  return out;
}

}  // namespace unfold::test
