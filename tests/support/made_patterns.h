#pragma once

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "tests/support/made_volume.h"
#include "workers/compute/random.h"
#include "workers/kernels/spi/patterns.h"

/// Poisson frames of Gaussian blobs on a small detector, from their exact Fourier transform.
namespace unfold::test {

/// side x side pixels, corner at qmax = 0.1 / Angstrom, wavelength 2 Angstrom: a voxel is 5
/// Angstrom.
inline spi::Detector made_square_detector(spi::Index side) {
  spi::Detector out;
  const double half = static_cast<double>(side - 1) / 2, wavelength = 2, corner = 0.1;
  const double reach = std::tan(2 * std::asin(corner * wavelength / 2)) / std::numbers::sqrt2;
  for (spi::Index i = 0; i < side; ++i) {
    for (spi::Index j = 0; j < side; ++j) {
      const double x = (static_cast<double>(i) / half - 1) * reach;
      const double y = (static_cast<double>(j) / half - 1) * reach;
      const double length = std::sqrt(x * x + y * y + 1);
      const double q[] = {x / length / wavelength, y / length / wavelength,
                          (1 / length - 1) / wavelength};
      out.q.insert(out.q.end(), q, q + 3);
      out.correction.push_back(1);
      out.mask.push_back(spi::PixelClass::kGood);
      out.qmax = std::max(out.qmax, std::hypot(q[0], q[1], q[2]));
    }
  }
  return out;
}

/// |F(q)|^2 of blobs whose places and widths are in voxels 1 / (2 qmax).
inline double intensity_of(const Blobs& blobs, const std::array<double, 3>& q, double qmax) {
  std::complex<double> f = 0;
  for (const Blob& blob : blobs) {
    double phase = 0, square = 0;
    for (std::size_t d = 0; d < 3; ++d) {
      const double x = std::numbers::pi * q[d] / qmax;
      phase += x * blob.at[d];
      square += x * x;
    }
    const double width = blob.sigma * blob.sigma;
    f +=
        blob.height * std::pow(width, 1.5) * std::exp(-width * square / 2) * std::polar(1.0, phase);
  }
  return std::norm(f);
}

struct MadePatterns {
  spi::PatternSet frames = spi::PatternSet::dense(0, 0, std::vector<float>{});
  std::vector<spi::Quaternion> truth;
};

/// Frames of about `photons` photons at random orientations; frame i shows kinds[i % kinds].
inline MadePatterns made_patterns(const spi::Detector& detector, const std::vector<Blobs>& kinds,
                                  spi::Index count, double photons, std::uint64_t seed) {
  MadePatterns out;
  std::vector<double> intensity;
  double sum = 0;
  for (spi::Index i = 0; i < count; ++i) {
    const auto place = static_cast<std::uint64_t>(i);
    out.truth.push_back(spi::random_rotation(seed, 0, place));
    for (spi::Index p = 0; p < detector.pixels(); ++p) {
      const double* q = &detector.q[3 * static_cast<std::size_t>(p)];
      const auto at = turned(spi::conjugate(out.truth.back()), {q[0], q[1], q[2]});
      intensity.push_back(intensity_of(kinds[place % kinds.size()], at, detector.qmax));
      sum += intensity.back();
    }
  }
  std::vector<std::uint16_t> counts;
  const double scale = photons * static_cast<double>(count) / sum;
  for (std::size_t i = 0; i < intensity.size(); ++i) {
    compute::Random random(seed, 1, i);
    counts.push_back(static_cast<std::uint16_t>(random.poisson(intensity[i] * scale)));
  }
  out.frames = spi::PatternSet::dense(count, detector.pixels(), std::move(counts));
  return out;
}

}  // namespace unfold::test
