#include "common/compare/summary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "common/compare/pulls.h"
#include "common/simulate/random.h"
#include "tests/common/compare/frames.h"

namespace unfold::compare {
namespace {

TEST(SummariseTest, ExactFluxHasPullsOfZero) {
  const fits::Frame frame = plain_frame(4, 30);
  const FrameSummary summary = *summarise(frame, truth_of(frame));
  EXPECT_EQ(summary.pulls, 120);
  EXPECT_NEAR(summary.pull_mean, 0, 1e-6);
  EXPECT_NEAR(summary.pull_deviation, 0, 1e-3);
  EXPECT_EQ(summary.good_bins, 120);
  EXPECT_DOUBLE_EQ(summary.chi2_per_dof, 1);
}

TEST(SummariseTest, NoiseOfTheStatedSizeHasUnitPulls) {
  fits::Frame frame = plain_frame(100, 400);
  const simulate::Truth truth = truth_of(frame);
  simulate::Random random(3, 0);
  for (float& flux : frame.flux) flux += static_cast<float>(2 * random.normal());
  const FrameSummary summary = *summarise(frame, truth);
  EXPECT_NEAR(summary.pull_mean, 0, 5 / std::sqrt(40000.0));
  EXPECT_NEAR(summary.pull_deviation, 1, 5 / std::sqrt(80000.0));
  EXPECT_NEAR(summary.wavelength_correlation, 0, 5 / std::sqrt(40000.0));
  EXPECT_NEAR(summary.fibre_correlation, 0, 5 / std::sqrt(40000.0));
}

TEST(SummariseTest, CorrelatedNoiseShowsInItsDirectionOnly) {
  fits::Frame frame = plain_frame(100, 400);
  const simulate::Truth truth = truth_of(frame);
  simulate::Random random(4, 0);
  for (int s = 0; s < frame.nspec; ++s) {
    double before = random.normal();
    for (int i = 0; i < frame.nwave; ++i) {
      const double now = random.normal();
      // Neighbours share half of their variance.
      frame.flux[static_cast<std::size_t>(s * frame.nwave + i)] +=
          static_cast<float>(2 * (now + before) / std::sqrt(2.0));
      before = now;
    }
  }
  const FrameSummary summary = *summarise(frame, truth);
  EXPECT_NEAR(summary.wavelength_correlation, 0.5, 0.03);
  EXPECT_NEAR(summary.fibre_correlation, 0, 0.03);
}

TEST(SummariseTest, MaskedAndWeightlessBinsDoNotCount) {
  fits::Frame frame = plain_frame(4, 30);
  const simulate::Truth truth = truth_of(frame);
  frame.mask[5] = 1;
  frame.flux[5] = 1e6F;
  frame.ivar[40] = 0;
  frame.flux[40] = 1e6F;
  frame.chi2pix[40] = 1e6F;
  const FrameSummary summary = *summarise(frame, truth);
  EXPECT_EQ(summary.good_bins, 118);
  EXPECT_EQ(summary.pulls, 118);
  EXPECT_NEAR(summary.pull_deviation, 0, 1e-3);
  EXPECT_DOUBLE_EQ(summary.chi2_per_dof, 1);
}

TEST(PullsTest, ResolutionActsAsADenseMatrixWithDesispecsDiagonals) {
  fits::Frame frame = plain_frame(1, 12);
  simulate::Random random(8, 0);
  for (float& r : frame.resolution) r = static_cast<float>(random.uniform());
  // R[j - ndiag + k, j] = RESOLUTION[0, k, j], written out.
  double dense[12][12] = {};
  for (int k = 0; k < 5; ++k) {
    for (int j = 0; j < 12; ++j) {
      const int i = j - 2 + k;
      if (i >= 0 && i < 12)
        dense[i][j] = static_cast<double>(frame.resolution[static_cast<std::size_t>(k * 12 + j)]);
    }
  }
  simulate::Truth truth = truth_of(frame);
  for (double& photons : truth.photons) photons = random.uniform(0, 100);
  const std::vector<double> pulls = *pulls_of(frame, truth);
  for (int i = 0; i < 12; ++i) {
    double expected = 0;
    for (int j = 0; j < 12; ++j)
      expected += dense[i][j] * truth.photons[static_cast<std::size_t>(j)];
    const double flux = static_cast<double>(frame.flux[static_cast<std::size_t>(i)]);
    EXPECT_NEAR(pulls[static_cast<std::size_t>(i)], (flux - expected / 0.8) * 0.5, 1e-9) << i;
  }
}

TEST(PullsTest, AFrameMayBeAPieceOfTheTruth) {
  const fits::Frame whole = plain_frame(30, 40);
  const simulate::Truth truth = truth_of(whole);
  fits::Frame piece = plain_frame(2, 10);
  piece.header.set("FIBERMIN", 1520);  // fibre 20 of spectrograph 3
  for (int i = 0; i < 10; ++i) piece.wavelength[static_cast<std::size_t>(i)] = 6000 + 0.8 * (i + 7);
  for (int s = 0; s < 2; ++s) {
    for (int i = 0; i < 10; ++i) {
      piece.flux[static_cast<std::size_t>(s * 10 + i)] = static_cast<float>(10 * (s + 20) + i + 7);
    }
  }
  const std::vector<double> pulls = *pulls_of(piece, truth);
  for (int i = 0; i < 10; ++i) {
    const double pull = pulls[static_cast<std::size_t>(10 + i)];
    // Near its ends a frame lacks columns of R.
    if (i < 2 || i >= 8) {
      EXPECT_TRUE(std::isnan(pull)) << i;
    } else {
      EXPECT_NEAR(pull, 0, 1e-4) << i;
    }
  }
}

TEST(PullsTest, TheTruthOfAnotherGridIsRefused) {
  const fits::Frame frame = plain_frame(2, 10);
  simulate::Truth shifted = truth_of(frame);
  for (double& w : shifted.wavelength) w += 0.3;
  EXPECT_EQ(reason_of(pulls_of(frame, shifted).status()), "GRID_MISMATCH");
  simulate::Truth elsewhere = truth_of(frame);
  elsewhere.first_fibre = 100;
  EXPECT_EQ(reason_of(pulls_of(frame, elsewhere).status()), "GRID_MISMATCH");
}

TEST(SummariseTest, TextLeavesOutPullsWithoutTruth) {
  const fits::Frame frame = plain_frame(2, 10);
  EXPECT_EQ(to_text(summarise(frame)).find("pull"), std::string::npos);
  EXPECT_NE(to_text(*summarise(frame, truth_of(frame))).find("pull mean"), std::string::npos);
}

}  // namespace
}  // namespace unfold::compare
