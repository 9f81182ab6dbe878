#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/support/made_imaging.h"
#include "workers/kernels/imaging/em_solver.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::AlgorithmOptions;
using imaging::Estimate;
using imaging::Reconstruction;

constexpr Algorithm kAll[] = {Algorithm::kDc1,      Algorithm::kDc1Feedback, Algorithm::kEm,
                              Algorithm::kEmNewton, Algorithm::kOsem,        Algorithm::kMap,
                              Algorithm::kCosipyRl};

void expect_finite(const Estimate& estimate) {
  for (const double x : estimate.image) {
    ASSERT_TRUE(std::isfinite(x));
    ASSERT_GE(x, 0);
  }
  for (const double a : estimate.amplitude) {
    ASSERT_TRUE(std::isfinite(a));
    ASSERT_GE(a, 0);
  }
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// sum over all bins of the model.
double expected(const ImagingFixture& fixture, const Estimate& estimate) {
  const imaging::Background& b = fixture.background();
  double sum = dot(fixture.exposure(), estimate.image);
  const Index times = fixture.events().times();
  for (Index c = 0; c < b.components; ++c) {
    for (Index t = 0; t < times; ++t) {
      sum += estimate.amplitude[at(c * b.groups + b.group[at(t)])] * b.sum[at(c * times + t)];
    }
  }
  return sum;
}

double total(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

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

TEST(Em, RaisesTheLikelihoodAndKeepsTheCounts) {
  ImagingFixture fixture(made_imaging({.groups = 3, .components = 2}));
  const imaging::Problem problem = fixture.problem();
  const auto em = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kEm});
  double last = em->step().log_likelihood;
  for (int n = 0; n < 20; ++n) {
    EXPECT_NEAR(expected(fixture, em->estimate()), total(fixture.counts()),
                1e-10 * total(fixture.counts()));
    const double now = em->step().log_likelihood;
    EXPECT_GT(now, last);
    last = now;
  }
}

TEST(Em, LeavesATruthThatExplainsTheDataExactlyAlone) {
  ImagingData data = made_imaging({});
  const auto response = imaging::make_reference_operator(data.shape(), data.response());
  std::vector<double> model(data.counts.size());
  response->forward(data.truth, model);
  for (std::size_t i = 0; i < model.size(); ++i) data.counts[i] = model[i] + data.background[0][i];
  ImagingFixture fixture(data);
  const imaging::Problem problem = fixture.problem();
  const auto em = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kEm});
  std::vector<double> state = em->save();  // iteration, image, amplitude, ...
  std::copy(data.truth.begin(), data.truth.end(), state.begin() + 1);
  em->restore(state);
  em->step();
  for (std::size_t p = 0; p < data.truth.size(); ++p) {
    if (fixture.exposure()[p] > 0) {
      EXPECT_NEAR(em->estimate().image[p], data.truth[p], 1e-10 * data.truth[p]);
    }
  }
  EXPECT_NEAR(em->estimate().amplitude[0], 1, 1e-12);
}

TEST(Em, WithAGammaPriorEmptiesFaintPixelsAndRaisesThePosterior) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const auto plain = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kEm});
  const auto sparse = imaging::make_reconstruction(
      problem, {.algorithm = Algorithm::kEm, .prior = {imaging::PriorKind::kGamma, 0.5}});
  for (int n = 0; n < 60; ++n) plain->step(), sparse->step();
  const auto empty = [](const Estimate& e) {
    return std::count(e.image.begin(), e.image.end(), 0.0);
  };
  EXPECT_GT(empty(sparse->estimate()), empty(plain->estimate()) + 20);
  EXPECT_LT(dot(fixture.exposure(), sparse->estimate().image),
            dot(fixture.exposure(), plain->estimate().image));
}

/// Runs until `passes` are spent and returns the likelihood reached.
double spend(Reconstruction& made, Index passes) {
  for (Index spent = 0; spent < passes;) spent += made.step().passes;
  return made.log_likelihood();
}

TEST(Osem, ReachesTheMaximumThatEmNeedsManyTimesThePassesFor) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const auto em = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kEm});
  const auto osem = imaging::make_reconstruction(problem, {.subsets = 4});
  const double slow = spend(*em, 400), fast = spend(*osem, 60);
  EXPECT_GT(fast, slow);
  EXPECT_LT(2 * (spend(*osem, 200) - fast), 1);
}

TEST(Osem, SweepsFirstThenNeverLowersTheLikelihood) {
  ImagingFixture fixture(made_imaging({.groups = 2}));
  const imaging::Problem problem = fixture.problem();
  const auto osem = imaging::make_reconstruction(problem, {.subsets = 8});
  int sweeps = 0;
  double last = -1e300;
  for (int n = 0; n < 60; ++n) {
    const imaging::Step step = osem->step();
    if (!step.comparable) {
      EXPECT_EQ(step.passes, 1);
      EXPECT_EQ(n, sweeps) << "no sweep after SQUAREM has taken over";
      ++sweeps;
      continue;
    }
    EXPECT_EQ(step.passes, 3);
    EXPECT_GE(step.log_likelihood, last - 1e-12 * std::abs(last));
    last = step.log_likelihood;
  }
  EXPECT_GT(sweeps, 1);
  EXPECT_LT(sweeps, 30);
}

TEST(Osem, MakesOneSweepOutOfManyEmSteps) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const auto em = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kEm});
  const auto osem = imaging::make_reconstruction(problem, {.subsets = 8});
  EXPECT_GT(spend(*osem, 2), spend(*em, 8));
}

TEST(Osem, UsesNoMoreSubsetsThanTheDataFill) {
  ImagingData data = made_imaging({});
  // Counts in time bins 0, 3, 6, ... alone: three subsets would leave two empty.
  for (Index t = 0; t < data.attitude.times; ++t) {
    if (t % 3 == 0) continue;
    std::fill_n(data.counts.begin() + t * data.bins, data.bins, 0.0);
  }
  ImagingFixture fixture(data);
  const imaging::Problem problem = fixture.problem();
  const auto subsets = [&](Index wanted) {
    return imaging::EmSolver(problem, {.subsets = wanted}, problem.counts, 1).subsets();
  };
  EXPECT_EQ(subsets(3), 2);
  EXPECT_EQ(subsets(4), 4);
  EXPECT_EQ(subsets(1), 1);
  EXPECT_LE(subsets(24), 8);
}

/// How many sweeps splits bear is how many all counts are given: sweeps of the same kind.
TEST(Osem, TakesTheSameSubsetsForAShareAsForAllCounts) {
  ImagingFixture fixture(made_imaging({.source_counts = 2000, .background_counts = 4000}));
  const imaging::Problem whole = fixture.problem();
  const imaging::Problem share{whole.response, whole.events, whole.background,   whole.counts,
                               whole.exposure, whole.sky,    whole.communicator, 0.5};
  const imaging::EmSolver all(whole, {.subsets = 24}, whole.counts, 1);
  EXPECT_LT(all.subsets(), 24);
  EXPECT_EQ(imaging::EmSolver(share, {.subsets = 24}, whole.counts, 1).subsets(), all.subsets());
}

TEST(Osem, LeavesBackgroundGroupsOutsideASubsetAlone) {
  // Two time bins per group and four subsets: each subset sees half of the groups.
  ImagingFixture fixture(made_imaging({.groups = 12}));
  const imaging::Problem problem = fixture.problem();
  const auto osem = imaging::make_reconstruction(problem, {.subsets = 4});
  for (int n = 0; n < 20; ++n) osem->step();
  for (std::size_t a = 0; a < 12; ++a) {
    const double truth[] = {1, 1.2, 0.8};
    EXPECT_NEAR(osem->estimate().amplitude[a], truth[a % 3], 0.35) << a;
  }
}

TEST(Map, MeansOsemWithASparsityPriorAndStopsTheGrowthOfJunk) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const auto map = imaging::make_reconstruction(problem, {.algorithm = Algorithm::kMap});
  const auto same = imaging::make_reconstruction(
      problem, {.algorithm = Algorithm::kMap, .prior = {imaging::PriorKind::kGamma, 0.9}});
  for (int n = 0; n < 8; ++n) map->step(), same->step();
  EXPECT_EQ(map->estimate().image, same->estimate().image);
}

TEST(Map, SmoothsWithTotalSquaredVariation) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const auto roughness = [&](const std::vector<double>& image) {
    double sum = 0;
    for (std::size_t p = 0; p < image.size(); ++p) {
      for (std::size_t i = 0; i < 8; ++i) {
        const std::int32_t n = problem.sky.neighbours[8 * p + i];
        if (n >= 0) sum += (image[p] - image[at(n)]) * (image[p] - image[at(n)]);
      }
    }
    return sum;
  };
  std::vector<double> rough;
  for (const double weight : {1e-3, 1.0, 1e2}) {
    const auto map = imaging::make_reconstruction(
        problem, {.algorithm = Algorithm::kMap,
                  .subsets = 4,
                  .prior = {imaging::PriorKind::kTotalSquaredVariation, weight}});
    for (int n = 0; n < 30; ++n) map->step();
    expect_finite(map->estimate());
    rough.push_back(roughness(map->estimate().image));
  }
  EXPECT_GT(rough[0], rough[1]);
  EXPECT_GT(rough[1], rough[2]);
}

TEST(Map, DrawsTheImageToTheReferenceWithEntropy) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  const double reference = 0.01 / total(problem.sky.solid_angle);
  const std::vector<double>& exposure = fixture.exposure();
  const double largest = *std::max_element(exposure.begin(), exposure.end());
  std::vector<double> distance;
  for (const double weight : {1e-3, 1e-2, 1e-1}) {
    const auto map = imaging::make_reconstruction(
        problem, {.algorithm = Algorithm::kMap,
                  .subsets = 4,
                  .prior = {imaging::PriorKind::kEntropy, weight * largest}});
    for (int n = 0; n < 30; ++n) map->step();
    double sum = 0;
    for (std::size_t p = 0; p < exposure.size(); ++p) {
      if (exposure[p] > 0) sum += std::abs(std::log(map->estimate().image[p] / reference));
    }
    distance.push_back(sum);
  }
  EXPECT_GT(distance[0], distance[1]);
  EXPECT_GT(distance[1], distance[2]);
}

/// Weights far below and far above what the exposure holds against.
class PriorOfMap : public ::testing::TestWithParam<imaging::PriorKind> {
 protected:
  PriorOfMap() {
    const std::vector<double>& exposure = fixture_.exposure();
    largest_ = *std::max_element(exposure.begin(), exposure.end());
  }
  std::vector<double> weights() const {
    return GetParam() == imaging::PriorKind::kEntropy
               ? std::vector<double>{1e-2 * largest_, largest_, 1e2 * largest_}
               : std::vector<double>{1, 1e3, 1e6};
  }
  double log_posterior(const Reconstruction& made, double weight) const {
    const imaging::PriorTerm prior({GetParam(), weight}, problem_.sky, 0.01, fixture_.exposure());
    return made.log_likelihood() + prior.log_prior(made.estimate().image);
  }

  ImagingFixture fixture_{made_imaging({.groups = 2})};
  imaging::Problem problem_ = fixture_.problem();
  double largest_ = 0;
};

TEST_P(PriorOfMap, NeverLowersThePosterior) {
  for (const double weight : weights()) {
    for (const Algorithm algorithm : {Algorithm::kEm, Algorithm::kMap}) {
      const auto made = imaging::make_reconstruction(
          problem_, {.algorithm = algorithm, .subsets = 1, .prior = {GetParam(), weight}});
      double last = log_posterior(*made, weight);
      for (int n = 0; n < 40; ++n) {
        made->step();
        const double now = log_posterior(*made, weight);
        ASSERT_GE(now, last - 1e-11 * std::abs(last)) << weight << " " << n;
        last = now;
      }
    }
  }
}

TEST_P(PriorOfMap, EndsWhereThePosteriorIsLevel) {
  const double weight = weights()[1];
  const auto made = imaging::make_reconstruction(
      problem_, {.algorithm = Algorithm::kMap, .subsets = 1, .prior = {GetParam(), weight}});
  for (int n = 0; n < 300; ++n) made->step();
  const std::vector<double>& image = made->estimate().image;
  std::vector<double> state = made->save();  // iteration, image, amplitude, ...
  const double brightest = *std::max_element(image.begin(), image.end());
  for (std::size_t p = 0; p < image.size(); p += 17) {
    if (image[p] < 1e-3 * brightest) continue;
    const double step = 1e-4 * image[p];
    const auto moved = [&](double by) {
      std::vector<double> there = state;
      there[1 + p] += by;
      const auto other = imaging::make_reconstruction(
          problem_, {.algorithm = Algorithm::kMap, .subsets = 1, .prior = {GetParam(), weight}});
      other->restore(there);
      return log_posterior(*other, weight);
    };
    EXPECT_NEAR((moved(step) - moved(-step)) / (2 * step), 0, 1e-3 * fixture_.exposure()[p]) << p;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, PriorOfMap,
                         ::testing::Values(imaging::PriorKind::kTotalSquaredVariation,
                                           imaging::PriorKind::kEntropy),
                         [](const auto& param) {
                           return param.param == imaging::PriorKind::kEntropy ? "Entropy"
                                                                              : "SquaredVariation";
                         });

/// Few counts leave one subset, and a start far below the truth expects almost none in a pixel.
TEST(Map, WaitsWithASparsityPriorUntilTheImageHasTheCountsScale) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  for (const Index subsets : {1, 4, 16}) {
    const auto map = imaging::make_reconstruction(
        problem, {.algorithm = Algorithm::kMap, .initial_flux = 1e-4, .subsets = subsets});
    for (int n = 0; n < 40; ++n) map->step();
    EXPECT_GT(dot(fixture.exposure(), map->estimate().image), 0.1 * total(fixture.counts()))
        << subsets;
  }
}

TEST(Map, StaysFiniteUnderPriorsThatAreFarTooStrong) {
  ImagingFixture fixture(made_imaging({}));
  const imaging::Problem problem = fixture.problem();
  for (const imaging::PriorKind kind :
       {imaging::PriorKind::kTotalSquaredVariation, imaging::PriorKind::kEntropy}) {
    const auto map = imaging::make_reconstruction(
        problem, {.algorithm = Algorithm::kMap, .subsets = 4, .prior = {kind, 1e12}});
    for (int n = 0; n < 50; ++n) map->step();
    expect_finite(map->estimate());
  }
}

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
