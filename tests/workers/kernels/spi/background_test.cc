#include "workers/kernels/spi/background.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "workers/compute/random.h"

namespace unfold::spi {
namespace {

constexpr std::size_t kFrames = 400, kPixels = 100;

/// Speckled slices that fall with the pixel's number, fluences, and a background under them.
struct Made {
  std::vector<std::vector<float>> slice, photons;
  std::vector<double> fluence;
  std::vector<float> background;
};

Made make(double spread) {
  Made out;
  for (std::size_t p = 0; p < kPixels; ++p) {
    out.background.push_back(p % 3 == 0 ? 0.0f : 1.0f + 0.02f * static_cast<float>(p));
  }
  for (std::size_t i = 0; i < kFrames; ++i) {
    compute::Random random(1, 2, i);
    out.fluence.push_back(std::exp(spread * random.normal()));
    out.slice.emplace_back();
    out.photons.emplace_back();
    for (std::size_t p = 0; p < kPixels; ++p) {
      const double speckle = -std::log(1 - random.uniform());
      const double m = 60 * speckle * std::exp(-0.05 * static_cast<double>(p));
      const double mean = out.fluence[i] * m + double{out.background[p]};
      out.slice[i].push_back(static_cast<float>(m));
      out.photons[i].push_back(static_cast<float>(random.poisson(mean)));
    }
  }
  return out;
}

TEST(SpiBackground, FluenceSolvesTheLikelihoodsEquation) {
  const Made made = make(0.3);
  for (std::size_t i = 0; i < 20; ++i) {
    const double phi = poisson_fluence(made.photons[i], made.slice[i], made.background);
    double score = 0, expected = 0;
    for (std::size_t p = 0; p < kPixels; ++p) {
      const double m = double{made.slice[i][p]};
      score += double{made.photons[i][p]} * m / (phi * m + double{made.background[p]});
      expected += m;
    }
    EXPECT_NEAR(score / expected, 1, 1e-5);
    EXPECT_NEAR(phi, made.fluence[i], 0.25 * made.fluence[i]);
  }
}

TEST(SpiBackground, AFrameOfBackgroundOnlyHasNoFluence) {
  const std::vector<float> photons = {0, 0, 5, 4}, slice = {9, 7, 0.1f, 0}, dark = {1, 1, 5, 4};
  EXPECT_LT(poisson_fluence(photons, slice, dark), 1e-3);
}

TEST(SpiBackground, FluenceAndBackgroundAreFoundTogetherFromNothing) {
  for (const double spread : {0.0, 0.3}) {
    const Made made = make(spread);
    std::vector<float> background(kPixels, 0.0f);
    double ratio = 0;
    for (int step = 0; step < 12; ++step) {
      BackgroundStep next(background);
      ratio = 0;
      for (std::size_t i = 0; i < kFrames; ++i) {
        const double phi = poisson_fluence(made.photons[i], made.slice[i], background);
        next.add(made.photons[i], made.slice[i], phi);
        ratio += phi / made.fluence[i] / kFrames;
      }
      background = next.background();
    }
    const double sum = std::accumulate(background.begin(), background.end(), 0.0);
    const double truth = std::accumulate(made.background.begin(), made.background.end(), 0.0);
    EXPECT_NEAR(sum, truth, 0.05 * truth) << spread;
    EXPECT_NEAR(ratio, 1, 0.02) << spread;
  }
}

TEST(SpiBackground, WhatDoesNotGrowWithTheTotalIsSteady) {
  const std::size_t edge = 17;
  Detector detector;
  detector.correction.assign(edge * edge, 1.0f);
  detector.mask.assign(edge * edge, PixelClass::kGood);
  for (std::size_t p = 0; p < edge * edge; ++p) {
    detector.q.insert(detector.q.end(), {double(p / edge) - 8, double(p % edge) - 8, 0.0});
  }
  detector.qmax = 8 * std::sqrt(2.0);
  const auto frames_of = [&](double spread) {
    std::vector<float> values;
    for (std::size_t i = 0; i < kFrames; ++i) {
      compute::Random random(3, 4, i);
      const double phi = std::exp(spread * random.normal());
      for (std::size_t p = 0; p < edge * edge; ++p) {
        const double r = std::hypot(detector.q[3 * p], detector.q[3 * p + 1]);
        values.push_back(
            static_cast<float>(random.poisson(phi * 40 * std::exp(-r * r / 18) + 0.5)));
      }
    }
    return PatternSet::dense(kFrames, Index{edge * edge}, std::move(values));
  };
  const auto found = steady_background(frames_of(0.35), detector, true);
  EXPECT_NEAR(found[0], 0.5, 0.1);
  const auto nothing = steady_background(frames_of(0), detector, true);
  EXPECT_EQ(std::accumulate(nothing.begin(), nothing.end(), 0.0), 0.0);
}

}  // namespace
}  // namespace unfold::spi
