#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/workers/kernels/spi/matching_problem.h"

namespace unfold::spi {
namespace {

constexpr Index kGrid = 13;

class SlicerTest : public testing::Test {
 protected:
  SlicerTest() { slicer_.set(View<const double, 3>(a_.data(), kGrid, kGrid, kGrid)); }

  compute::Cpu cpu_{2};
  Detector detector_ = made_detector(15);
  std::vector<double> a_ = made_autocorrelation(kGrid, 4);
  Slicer slicer_{cpu_, kGrid, detector_, 1e-5};
};

TEST_F(SlicerTest, CutsWhatTheSumOfCosinesIs) {
  const std::vector<std::uint32_t> pixels = {0, 7, 30, 31, 111, 224};
  const std::vector<Quaternion> rotations = reference_rotations(9, random_rotation(1, 2, 3));
  std::vector<float> out(rotations.size() * pixels.size());
  slicer_.slices(rotations, pixels, View<float, 2>(out.data(), 9, 6));
  const double brightest = 12 * 12 + 3;
  for (std::size_t j = 0; j < rotations.size(); ++j)
    for (std::size_t p = 0; p < pixels.size(); ++p)
      EXPECT_NEAR(out[j * pixels.size() + p],
                  direct_slice(a_, kGrid, detector_, rotations[j], pixels[p]), 2e-5 * brightest);
}

TEST_F(SlicerTest, QuickSlicesAreNearlyExact) {
  for (const compute::Isa isa : compute::available_isas()) {
    Slicer slicer(cpu_, kGrid, detector_, 1e-5, isa);
    slicer.set(View<const double, 3>(a_.data(), kGrid, kGrid, kGrid));
    for (const std::size_t size : {1UL, 15UL, 16UL, 17UL, 33UL, 130UL}) {
      std::vector<std::uint32_t> pixels = matching_pixels(detector_, detector_.qmax);
      pixels.resize(size);
      const PixelChoice choice = slicer.choose(pixels);
      std::vector<float> exact(size), quick(size);
      double error = 0, whole = 0;
      for (const Quaternion& rotation : reference_rotations(50, {1, 0, 0, 0})) {
        slicer.slice(rotation, choice, exact.data());
        slicer.quick_slice(rotation, choice, quick.data());
        for (std::size_t p = 0; p < size; ++p) {
          error += std::pow(quick[p] - exact[p], 2);
          whole += std::pow(exact[p], 2);
        }
      }
      EXPECT_LT(std::sqrt(error / whole), 0.01) << to_string(isa) << " " << size;
    }
  }
}

TEST_F(SlicerTest, TheMeanSliceIsTheMeanOfManySlices) {
  const PixelChoice choice = slicer_.choose(matching_pixels(detector_));
  std::vector<float> mean(choice.pixel.size());
  slicer_.mean_slice(choice, mean.data());
  const Index count = 4000;
  std::vector<float> slices(static_cast<std::size_t>(count) * mean.size());
  slicer_.slices(reference_rotations(count, {1, 0, 0, 0}), choice,
                 View<float, 2>(slices.data(), count, choice.size()));
  for (std::size_t p = 0; p < mean.size(); ++p) {
    double sum = 0;
    for (std::size_t j = 0; j < static_cast<std::size_t>(count); ++j)
      sum += slices[j * mean.size() + p] / static_cast<double>(count);
    EXPECT_NEAR(mean[p], sum, 0.02 * sum) << p;
  }
}

TEST_F(SlicerTest, TotalsSumTheMatchingPixels) {
  const std::vector<Quaternion> rotations = reference_rotations(5, {1, 0, 0, 0});
  const std::vector<double> totals = slice_totals(cpu_, slicer_, rotations, {});
  for (std::size_t j = 0; j < rotations.size(); ++j) {
    double sum = 0;
    for (const std::uint32_t p : matching_pixels(detector_))
      sum += direct_slice(a_, kGrid, detector_, rotations[j], p);
    EXPECT_NEAR(totals[j], sum, 1e-4 * sum);
  }
}

TEST_F(SlicerTest, MatchingLooksAtGoodPixelsWithinTheLimitOnly) {
  for (const double limit : {0.0, 0.15}) {
    const double reach = limit > 0 ? limit : detector_.qmax / std::sqrt(2.0) * 1.001;
    const std::vector<std::uint32_t> pixels = matching_pixels(detector_, limit);
    std::size_t expected = 0;
    for (std::size_t p = 0; p < detector_.mask.size(); ++p) {
      const double* q = &detector_.q[3 * p];
      expected +=
          detector_.mask[p] == PixelClass::kGood && std::hypot(q[0], q[1], q[2]) <= reach ? 1 : 0;
    }
    EXPECT_EQ(pixels.size(), expected);
    EXPECT_GT(expected, 10U);
    for (const std::uint32_t p : pixels) EXPECT_EQ(detector_.mask[p], PixelClass::kGood);
  }
}

TEST_F(SlicerTest, FramesWithStructureScoreAboveTheMeanSliceAndOthersDoNot) {
  const MadeFrames made = made_frames(20, 2000, a_, kGrid, detector_);
  const std::vector<float> mean = mean_scores(cpu_, made.set, slicer_, {});
  const std::vector<float> own = scores(cpu_, made.set, slicer_, made.truth, 1, {});
  for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_GT(own[i], mean[i] + 10);
}

TEST_F(SlicerTest, WhatCannotBeMatchedIsRefused) {
  const MadeFrames made = made_frames(2, 100, a_, kGrid, detector_);
  const std::vector<Quaternion> one = {{1, 0, 0, 0}};
  EXPECT_THROW(match(cpu_, made.set, slicer_, one, {.qlimit = 1e-9}), std::invalid_argument);
  EXPECT_THROW(match(cpu_, made.set, slicer_, one, {.top = 17}), std::invalid_argument);
  const std::vector<float> background(detector_.mask.size(), 1.0f);
  const std::vector<double> of_one = {1.0};
  EXPECT_THROW(match(cpu_, made.set, slicer_, one, {.background = background, .fluence = of_one}),
               std::invalid_argument);
  EXPECT_THROW(match(cpu_, made.set, slicer_, one,
                     {.metric = Metric::kSqrt, .background = background, .fluence = made.fluence}),
               std::invalid_argument);
  const PatternSet other = PatternSet::dense(1, 4, std::vector<float>(4));
  EXPECT_THROW(match(cpu_, other, slicer_, one, {}), std::invalid_argument);
  EXPECT_THROW(match_near(cpu_, made.set, slicer_, one, 1, one, {}), std::invalid_argument);
  EXPECT_THROW(scores(cpu_, made.set, slicer_, one, 1, {}), std::invalid_argument);
}

TEST_F(SlicerTest, MoreCandidatesThanReferencesLeaveEmptyPlaces) {
  const MadeFrames made = made_frames(2, 100, a_, kGrid, detector_);
  const std::vector<Quaternion> two = reference_rotations(2, {1, 0, 0, 0});
  const Matches found = match(cpu_, made.set, slicer_, two, {.top = 3});
  EXPECT_EQ(found.reference[2], -1);
  EXPECT_EQ(found.score[2], -std::numeric_limits<float>::infinity());
  EXPECT_EQ(found.reference[0] + found.reference[1], 1);
}

}  // namespace
}  // namespace unfold::spi
