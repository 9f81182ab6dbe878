#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "tests/support/spi_case.h"
#include "workers/compute/random.h"

/// Makes measured frames of clean ones, for tests.
namespace unfold::test {

struct SpiNoise {
  double photons = 1000;  ///< mean a frame of a hit, outside the stop, without background
  double stop = 2.5;      ///< radius of the beamstop, pixels of a square detector; 0: none
  double fluence = 0.35;  ///< sigma of the fluence's logarithm
  double background = 0;  ///< uniform, share of a frame's photons
  double non_hits = 0;    ///< share of the frames that show the radial mean only
  std::uint64_t seed = 5;
};

/// Poisson counts. `hit` [N] 0 where a frame shows the mean of all frames, circle by circle.
inline SpiCase with_noise(const SpiCase& clean, const SpiNoise& noise,
                          std::vector<std::uint8_t>* hit = nullptr) {
  using compute::Random;
  const auto n = static_cast<std::size_t>(clean.frames.frames());
  const auto pixels = static_cast<std::size_t>(clean.frames.pixels());
  const auto edge = static_cast<std::size_t>(std::lround(std::sqrt(double(pixels))));
  SpiCase out = clean;
  std::vector<float> rows(n * pixels);
  clean.frames.rows(0, clean.frames.frames(),
                    spi::View<float, 2>(rows.data(), clean.frames.frames(), clean.frames.pixels()));
  const auto radius = [&](std::size_t p) {
    const double centre = double(edge - 1) / 2;
    return std::hypot(double(p / edge) - centre, double(p % edge) - centre);
  };
  std::vector<double> circle(2 * edge, 0.0), weight(2 * edge, 0.0);
  double total = 0;
  std::size_t seen = 0;
  for (std::size_t p = 0; p < pixels; ++p) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += double{rows[i * pixels + p]};
    circle[std::size_t(std::lround(radius(p)))] += sum / double(n);
    weight[std::size_t(std::lround(radius(p)))] += 1;
    if (radius(p) <= noise.stop) {
      out.detector.mask[p] = spi::PixelClass::kBad;
    } else {
      total += sum;
      ++seen;
    }
  }
  const double scale = noise.photons * double(n) / total;
  const double dark = noise.background * noise.photons / double(seen);
  out.background.assign(pixels, 0.0f);
  for (std::size_t p = 0; p < pixels; ++p) {
    if (out.detector.mask[p] != spi::PixelClass::kBad) out.background[p] = static_cast<float>(dark);
  }
  out.fluence.clear();
  for (std::size_t i = 0; i < n; ++i) {
    Random random(noise.seed, 1, i);
    out.fluence.push_back(std::exp(noise.fluence * random.normal()));
  }
  const double mean = std::accumulate(out.fluence.begin(), out.fluence.end(), 0.0) / double(n);
  for (double& phi : out.fluence) phi /= mean;
  std::vector<std::uint16_t> counts(n * pixels, 0);
  if (hit != nullptr) hit->assign(n, 1);
  for (std::size_t i = 0; i < n; ++i) {
    Random random(noise.seed, 2, i);
    const bool empty = random.uniform() < noise.non_hits;
    if (empty && hit != nullptr) (*hit)[i] = 0;
    for (std::size_t p = 0; p < pixels; ++p) {
      if (out.detector.mask[p] == spi::PixelClass::kBad) continue;
      const auto c = std::size_t(std::lround(radius(p)));
      const double m = empty ? circle[c] / weight[c] : double{rows[i * pixels + p]};
      counts[i * pixels + p] =
          static_cast<std::uint16_t>(random.poisson(m * scale * out.fluence[i] + dark));
    }
  }
  out.frames =
      spi::PatternSet::dense(clean.frames.frames(), clean.frames.pixels(), std::move(counts));
  return out;
}

}  // namespace unfold::test
