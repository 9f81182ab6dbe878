#include <gtest/gtest.h>

#include <algorithm>

#include "tests/workers/kernels/imaging/estimates.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::Estimate;
using imaging::Reconstruction;

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

}  // namespace
}  // namespace unfold::test
