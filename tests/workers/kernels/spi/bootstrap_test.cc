#include "workers/kernels/spi/bootstrap.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/made_patterns.h"

namespace unfold::test {
namespace {

using spi::Estimate;
using spi::Index;
using spi::Redrawn;

constexpr Index kGrid = 17;

/// What a run that found everything would say of `made`.
Estimate estimate_of(const Blobs& blobs, const MadePatterns& made) {
  const auto n = made.truth.size();
  Estimate out;
  out.density = {volume_of_blobs(kGrid, blobs)};
  out.autocorrelation = {autocorrelation(kGrid, out.density[0])};
  out.orientation = made.truth;
  out.conformation.assign(n, 0);
  out.fluence.assign(n, 1);
  out.non_hit.assign(n, 0);
  return out;
}

struct Found {
  spi::Detector detector = made_square_detector(14);
  Blobs blobs = made_blobs(1, 8, 3);
  compute::Cpu cpu{2};

  MadePatterns made(double photons) const {
    return made_patterns(detector, {blobs}, 60, photons, 3);
  }
};

std::vector<float> rows_of(const spi::PatternSet& frames) {
  std::vector<float> out(static_cast<std::size_t>(frames.frames() * frames.pixels()));
  frames.rows(0, frames.frames(),
              spi::View<float, 2>(out.data(), frames.frames(), frames.pixels()));
  return out;
}

TEST(BootstrapTest, FramesAreDrawnFromTheMapAtTheirOrientationsAsBrightAsTheyWere) {
  Found found;
  const MadePatterns made = found.made(2000);
  const auto drawn = spi::redrawn_frames(found.cpu, made.frames, found.detector, kGrid,
                                         estimate_of(found.blobs, made), 7);
  ASSERT_EQ(drawn.frames.frames(), 60);
  const auto before = rows_of(made.frames), after = rows_of(drawn.frames);
  EXPECT_NE(before, after);
  const auto pixels = static_cast<std::size_t>(found.detector.pixels());
  double square = 0, terms = 0;
  for (std::size_t i = 0; i < made.truth.size(); ++i) {
    std::vector<double> mean;
    for (std::size_t p = 0; p < pixels; ++p) {
      const double* q = &found.detector.q[3 * p];
      const auto at = turned(spi::conjugate(drawn.orientation[i]), {q[0], q[1], q[2]});
      mean.push_back(intensity_of(found.blobs, at, found.detector.qmax));
    }
    const double photons = std::accumulate(&before[i * pixels], &before[i * pixels] + pixels, 0.0);
    const double scale = photons / std::accumulate(mean.begin(), mean.end(), 0.0);
    for (std::size_t p = 0; p < pixels; ++p) {
      const double m = scale * mean[p], k = double{after[i * pixels + p]};
      if (m < 1) continue;
      square += (k - m) * (k - m) / m;
      terms += 1;
    }
  }
  EXPECT_NEAR(square / terms, 1, 0.1);
}

TEST(BootstrapTest, WhatIsNoHitAndPixelsThatAreBadAreLeftOut) {
  Found found;
  const MadePatterns made = found.made(300);
  found.detector.mask[5] = spi::PixelClass::kBad;
  Estimate estimate = estimate_of(found.blobs, made);
  estimate.non_hit[3] = 1;
  const Redrawn drawn =
      spi::redrawn_frames(found.cpu, made.frames, found.detector, kGrid, estimate, 7);
  ASSERT_EQ(drawn.frames.frames(), 59);
  EXPECT_EQ(drawn.orientation[3], made.truth[4]);
  const auto rows = rows_of(drawn.frames);
  for (std::size_t i = 0; i < 59; ++i) {
    EXPECT_EQ(rows[i * static_cast<std::size_t>(found.detector.pixels()) + 5], 0);
  }
}

TEST(BootstrapTest, MapsOfBrightFramesAreFoundAgainFurtherOutThanOfDimOnes) {
  Found found;
  compute::SoloCommunicator alone;
  const auto recovered = [&](double photons) {
    const MadePatterns made = found.made(photons);
    spi::Bootstrap how;
    how.run.grid = how.map.grid = kGrid;
    how.run.max_generations = 4;
    how.map.starts = 4;
    return spi::recovered_correlation(found.cpu, made.frames, found.detector,
                                      estimate_of(found.blobs, made), how, alone, {})[0];
  };
  const auto bright = recovered(5000), dim = recovered(20);
  ASSERT_EQ(bright.size(), static_cast<std::size_t>(kGrid / 2 + 1));
  const auto mean = [](const std::vector<double>& shells) {
    return std::accumulate(shells.begin(), shells.end(), 0.0) / static_cast<double>(shells.size());
  };
  EXPECT_GT(mean(bright), mean(dim) + 0.2);
}

}  // namespace
}  // namespace unfold::test
