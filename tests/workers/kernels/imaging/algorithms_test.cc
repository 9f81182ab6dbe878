#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/workers/kernels/imaging/estimates.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::AlgorithmOptions;

constexpr Algorithm kAll[] = {Algorithm::kDc1,      Algorithm::kDc1Feedback, Algorithm::kEm,
                              Algorithm::kEmNewton, Algorithm::kOsem,        Algorithm::kMap,
                              Algorithm::kCosipyRl};

class Algorithms : public ::testing::TestWithParam<Algorithm> {
 protected:
  AlgorithmOptions options() const { return {.algorithm = GetParam(), .subsets = 4}; }
};

TEST_P(Algorithms, ResumeToTheSameBits) {
  ImagingFixture fixture(made_imaging({.groups = 3, .components = 2}));
  const imaging::Problem problem = fixture.problem();
  for (const Index before : {1, 4, 40}) {
    const auto whole = imaging::make_reconstruction(problem, options());
    const auto first = imaging::make_reconstruction(problem, options());
    for (Index n = 0; n < before; ++n) whole->step(), first->step();
    const auto second = imaging::make_reconstruction(problem, options());
    second->restore(first->save());
    for (int n = 0; n < 5; ++n) {
      const imaging::Step is = second->step(), wanted = whole->step();
      EXPECT_EQ(is.log_likelihood, wanted.log_likelihood);
      EXPECT_EQ(is.comparable, wanted.comparable);
    }
    EXPECT_EQ(second->estimate().image, whole->estimate().image);
    EXPECT_EQ(second->estimate().amplitude, whole->estimate().amplitude);
    EXPECT_EQ(second->recorded_amplitude(), whole->recorded_amplitude());
    EXPECT_EQ(second->iteration(), before + 5);
  }
}

TEST_P(Algorithms, RefuseTheStateOfAnotherProblem) {
  ImagingFixture fixture(made_imaging({})), other(made_imaging({.groups = 2}));
  const imaging::Problem problem = fixture.problem(), other_problem = other.problem();
  const auto made = imaging::make_reconstruction(problem, options());
  made->step();
  const auto elsewhere = imaging::make_reconstruction(other_problem, options());
  EXPECT_THROW(elsewhere->restore(made->save()), std::invalid_argument);
  EXPECT_THROW(made->restore({}), std::invalid_argument);
  for (const double bad : {-1.0, 1e300, std::nan("")}) {
    std::vector<double> state = made->save();
    state[0] = bad;  // the number of iterations
    EXPECT_THROW(made->restore(state), std::invalid_argument);
  }
}

TEST_P(Algorithms, StayFiniteOnDataWithoutACount) {
  ImagingData data = made_imaging({.groups = 2});
  std::fill(data.counts.begin(), data.counts.end(), 0.0);
  ImagingFixture fixture(data);
  const imaging::Problem problem = fixture.problem();
  const auto made = imaging::make_reconstruction(problem, options());
  for (int n = 0; n < 4; ++n) {
    EXPECT_TRUE(std::isfinite(made->step().log_likelihood));
    expect_finite(made->estimate());
  }
  EXPECT_LE(made->log_likelihood(), 0);
}

TEST_P(Algorithms, StayFiniteOnASingleEventWithAndWithoutBackground) {
  for (const bool with_background : {true, false}) {
    ImagingData data = made_imaging({.groups = 2});
    std::fill(data.counts.begin(), data.counts.end(), 0.0);
    data.counts[100] = 1;
    if (!with_background) std::fill(data.background[0].begin(), data.background[0].end(), 0.0);
    ImagingFixture fixture(data);
    const imaging::Problem problem = fixture.problem();
    const auto made = imaging::make_reconstruction(problem, options());
    for (int n = 0; n < 6; ++n) {
      EXPECT_TRUE(std::isfinite(made->step().log_likelihood));
      expect_finite(made->estimate());
    }
  }
}

TEST_P(Algorithms, WorkWithoutAnyBackgroundComponent) {
  ImagingData data = made_imaging({.background_counts = 0});
  data.background.clear();
  ImagingFixture fixture(data);
  const imaging::Problem problem = fixture.problem();
  const auto made = imaging::make_reconstruction(problem, options());
  const double before = made->log_likelihood();
  for (int n = 0; n < 5; ++n) made->step();
  expect_finite(made->estimate());
  EXPECT_TRUE(made->estimate().amplitude.empty());
  EXPECT_GT(made->log_likelihood(), before);
}

TEST_P(Algorithms, TakeNothingFromDeadBins) {
  ImagingFixture fixture(made_imaging({.dead = {0, 5, 6, 23}}));
  const imaging::Problem problem = fixture.problem();
  const auto made = imaging::make_reconstruction(problem, options());
  const double before = made->log_likelihood();
  for (int n = 0; n < 5; ++n) made->step();
  expect_finite(made->estimate());
  EXPECT_GT(made->log_likelihood(), before);
}

TEST_P(Algorithms, LeavePixelsThatAreNeverSeenAtZero) {
  ImagingFixture fixture(
      made_imaging({.lowest_axis_deg = -60, .highest_axis_deg = -50, .zenith_cut_deg = 40}));
  const std::vector<double>& exposure = fixture.exposure();
  ASSERT_GT(std::count(exposure.begin(), exposure.end(), 0.0), 50);
  const imaging::Problem problem = fixture.problem();
  for (const double fwhm : {0.0, 30.0}) {
    AlgorithmOptions with = options();
    with.smooth_fwhm_deg = fwhm;
    const auto made = imaging::make_reconstruction(problem, with);
    for (int n = 0; n < 6; ++n) made->step();
    for (std::size_t p = 0; p < exposure.size(); ++p) {
      if (exposure[p] == 0) {
        EXPECT_EQ(made->estimate().image[p], 0);
      }
    }
    EXPECT_GT(total(made->estimate().image), 0);
  }
}

TEST_P(Algorithms, TellTheLikelihoodOfTheEstimateTheyStartedFrom) {
  ImagingFixture fixture(made_imaging({.groups = 2}));
  const imaging::Problem problem = fixture.problem();
  const auto made = imaging::make_reconstruction(problem, options());
  for (int n = 0; n < 12; ++n) {
    const double before = made->log_likelihood();
    const imaging::Step step = made->step();
    if (step.comparable) {
      EXPECT_NEAR(step.log_likelihood, before, 1e-10 * std::abs(before));
    }
  }
}

/// Thinned data are data with share times the exposure and the background.
TEST_P(Algorithms, MakeTheSameOfAShareAsOfAScaledProblem) {
  ImagingFixture fixture(made_imaging({}));
  ImagingData halved = made_imaging({});
  for (double& t : halved.attitude.live_time) t *= 0.5;
  for (double& b : halved.background[0]) b *= 0.5;
  ImagingFixture scaled(halved);
  AlgorithmOptions with = options();
  with.subsets = 2;
  // DC1's exposure^(1/4) and cosipy's floor know the absolute exposure, and so do they here.
  const imaging::Problem share = fixture.problem(0.5), whole = scaled.problem();
  const auto is = imaging::make_reconstruction(share, with);
  const auto wanted = imaging::make_reconstruction(whole, with);
  for (int n = 0; n < 3; ++n) is->step(), wanted->step();
  const double largest =
      *std::max_element(wanted->estimate().image.begin(), wanted->estimate().image.end());
  for (std::size_t p = 0; p < is->estimate().image.size(); ++p) {
    EXPECT_NEAR(is->estimate().image[p], wanted->estimate().image[p], 1e-6 * largest);
  }
}

std::string name_of(const ::testing::TestParamInfo<Algorithm>& param) {
  const char* names[] = {"Dc1", "Dc1Feedback", "Em", "EmNewton", "Osem", "Map", "CosipyRl"};
  return names[static_cast<int>(param.param)];
}
INSTANTIATE_TEST_SUITE_P(Each, Algorithms, ::testing::ValuesIn(kAll), name_of);

TEST(Batch, MakesOfEachReplicateWhatItWouldMakeAlone) {
  ImagingFixture fixture(made_imaging({.groups = 2}));
  const Index events = fixture.events().size();
  std::vector<double> counts;
  for (Index r = 0; r < 3; ++r) {
    std::mt19937_64 random(static_cast<std::uint64_t>(r));
    for (const double y : fixture.counts()) {
      counts.push_back(static_cast<double>(std::poisson_distribution<long>(y)(random)));
    }
  }
  for (const Algorithm algorithm : {Algorithm::kEm, Algorithm::kOsem, Algorithm::kMap}) {
    const AlgorithmOptions with{.algorithm = algorithm, .subsets = 4};
    const imaging::Problem problem = fixture.problem();
    const auto batch = imaging::make_batch(problem, with, counts, 3);
    for (int n = 0; n < 12; ++n) {
      // The second replicate stops after six steps.
      const bool active[] = {true, n < 6, true};
      batch->step(active);
    }
    for (Index r = 0; r < 3; ++r) {
      imaging::Problem alone = fixture.problem();
      alone.counts = std::span(counts).subspan(at(r * events), at(events));
      const auto single = imaging::make_reconstruction(alone, with);
      for (int n = 0; n < (r == 1 ? 6 : 12); ++n) single->step();
      const std::vector<double>&is = batch->estimate(r).image, &wanted = single->estimate().image;
      const double largest = *std::max_element(wanted.begin(), wanted.end());
      for (std::size_t p = 0; p < is.size(); ++p) ASSERT_NEAR(is[p], wanted[p], 1e-9 * largest);
    }
    EXPECT_EQ(batch->iteration(), 12);
  }
}

TEST(Options, ThatContradictEachOtherAreRefused) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const auto refused = [&](const AlgorithmOptions& options) {
    EXPECT_THROW(imaging::make_reconstruction(problem, options), std::invalid_argument);
  };
  refused({.initial_flux = 0});
  refused({.background_prior = -1});
  refused({.subsets = 0});
  refused({.smooth_fwhm_deg = -1});
  refused({.max_step = 0.5});
  refused({.algorithm = Algorithm::kDc1, .prior = {imaging::PriorKind::kGamma, 0.9}});
  refused({.prior = {imaging::PriorKind::kEntropy, 0}});
  EXPECT_THROW(imaging::make_batch(problem, {.algorithm = Algorithm::kDc1}, problem.counts, 1),
               std::invalid_argument);
  EXPECT_THROW(imaging::make_batch(problem, {}, problem.counts, 2), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::test