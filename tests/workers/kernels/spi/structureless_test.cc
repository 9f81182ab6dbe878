#include "workers/kernels/spi/structureless.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/support/made_patterns.h"
#include "workers/kernels/spi/radial.h"

namespace unfold::test {
namespace {

using spi::Index;

constexpr Index kGrid = 17;
using Volumes = std::vector<std::vector<double>>;

/// Frames of a ball, asked what they look like without structure.
struct Asked {
  Blobs ball{{{0, 0, 0}, 1, 1.5}};
  spi::Detector detector = made_square_detector(14);
  spi::PatternSet frames = made_patterns(detector, {ball}, 60, 400, 3).frames;
  compute::Cpu cpu{2};
  spi::MatchOptions options;
  Volumes right{autocorrelation(kGrid, volume_of_blobs(kGrid, ball))};
  Volumes wrong{autocorrelation(kGrid, volume_of_blobs(kGrid, {{{0, 0, 0}, 1, 0.8}}))};

  Asked() { options.qlimit = spi::full_qlimit(detector); }

  std::vector<float> flat() const {
    return std::vector<float>(static_cast<std::size_t>(detector.pixels()), 1.0f);
  }
  std::vector<double> of_pattern(std::span<const float> pattern) {
    return spi::pattern_scores(cpu, frames, detector, pattern, options);
  }
  std::vector<double> best(const std::vector<float>& radial, const Volumes& models,
                           const Volumes& merged) {
    return spi::structureless_scores(cpu, frames, detector, {kGrid, radial, models, merged},
                                     options);
  }
};

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], 1e-3 * std::abs(expected[i])) << i;
  }
}

TEST(StructurelessTest, TheRadialMeanStandsWhereMapsKnowTheProfileWorse) {
  Asked ask;
  const auto radial = spi::radial_mean(ask.cpu, ask.frames, ask.detector, {}, {});
  EXPECT_EQ(ask.best(radial, ask.wrong, ask.wrong), ask.of_pattern(radial));
}

TEST(StructurelessTest, MapsOrMergedIntensitiesStandWhereTheyKnowTheProfileBetter) {
  Asked ask;
  std::vector<float> profile;
  for (Index p = 0; p < ask.detector.pixels(); ++p) {
    const double* q = &ask.detector.q[3 * static_cast<std::size_t>(p)];
    profile.push_back(
        static_cast<float>(intensity_of(ask.ball, {q[0], q[1], q[2]}, ask.detector.qmax)));
  }
  const auto expected = ask.of_pattern(profile);
  expect_near(ask.best(ask.flat(), ask.right, ask.wrong), expected);
  expect_near(ask.best(ask.flat(), ask.wrong, ask.right), expected);
}

TEST(StructurelessTest, WhatAMapKnowsBeyondItsProfileIsAveragedAway) {
  Asked ask;
  const Blobs blobs = made_blobs(1, 8, 3);
  ask.frames = made_patterns(ask.detector, {blobs}, 60, 400, 3).frames;
  const Volumes models{autocorrelation(kGrid, volume_of_blobs(kGrid, blobs))};
  const auto everywhere = spi::reference_rotations(3000, {1, 0, 0, 0});
  std::vector<std::uint32_t> pixels(static_cast<std::size_t>(ask.detector.pixels()));
  std::iota(pixels.begin(), pixels.end(), 0u);
  spi::Slicer slicer(ask.cpu, kGrid, ask.detector);
  slicer.set(spi::View<const double, 3>(models[0].data(), kGrid, kGrid, kGrid));
  std::vector<float> slices(everywhere.size() * pixels.size()), mean(pixels.size(), 0.0f);
  slicer.slices(everywhere, pixels,
                spi::View<float, 2>(slices.data(), static_cast<Index>(everywhere.size()),
                                    ask.detector.pixels()));
  for (std::size_t i = 0; i < slices.size(); ++i) mean[i % pixels.size()] += slices[i];
  expect_near(ask.best(ask.flat(), models, models), ask.of_pattern(mean));
}

}  // namespace
}  // namespace unfold::test
