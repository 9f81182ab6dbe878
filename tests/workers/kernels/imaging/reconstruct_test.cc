#include "workers/kernels/imaging/reconstruct.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/workers/kernels/imaging/reconstruct_case.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::Checkpoint;
using imaging::Report;
using imaging::Result;
using imaging::Settings;
using imaging::Stop;

class EveryWay : public Reconstruct, public ::testing::WithParamInterface<Way> {};

TEST_P(EveryWay, ARunThatIsCancelledAnywhereAndResumedMakesTheSameBits) {
  Settings settings = settings_of(GetParam().algorithm, GetParam().stop);
  settings.bootstrap.replicates = 2;
  int reports = 0;
  const Result whole = run(settings, {.report = [&](const Report&) { ++reports; }});
  ASSERT_GT(reports, 3);
  for (int n = 1; n < reports; ++n) {
    Interruption interruption{n, {}};
    ASSERT_THROW(run(settings, interruption.hooks()), imaging::Cancelled) << n;
    const Checkpoint* from = interruption.last.empty() ? nullptr : &interruption.last;
    expect_same(whole, run(settings, {}, from));
    if (HasFailure()) FAIL() << "cancelled after report " << n << " of " << reports;
  }
}

TEST_P(EveryWay, CancelIsSeenWithinOneUpdate) {
  Settings settings = settings_of(GetParam().algorithm, GetParam().stop);
  settings.bootstrap.replicates = 3;
  int asked = 0;
  run(settings, {.cancelled = [&] {
        ++asked;
        return false;
      }});
  // Ask no to all but the last question: every one of them ends the run.
  for (int n = 0; n < asked; n += 5) {
    int left = n;
    EXPECT_THROW(run(settings, {.cancelled = [&] { return left-- == 0; }}), imaging::Cancelled);
  }
}

TEST_P(EveryWay, HistoriesHaveAnEntryPerUpdate) {
  const Settings settings = settings_of(GetParam().algorithm, GetParam().stop);
  const Result result = run(settings);
  EXPECT_EQ(result.log_likelihood.size(), at(result.iterations));
  EXPECT_EQ(result.amplitude.size(), at(result.iterations));
  EXPECT_EQ(result.validation.empty(), GetParam().stop != Stop::kThinning);
  for (std::size_t i = 0; i < result.saved.size(); ++i) {
    Settings until = settings;
    until.stop.stop = Stop::kIterations;
    until.stop.iterations = result.saved_at[i];
    until.save_iterations = {};
    const Result shorter = run(until);
    EXPECT_EQ(shorter.estimate.image, result.saved[i]);
    EXPECT_NEAR(shorter.log_likelihood.back(), result.log_likelihood[at(result.saved_at[i] - 1)],
                1e-9 * std::abs(shorter.log_likelihood.back()));
  }
}

std::vector<Way> ways() {
  std::vector<Way> out;
  for (const Algorithm a :
       {Algorithm::kDc1, Algorithm::kDc1Feedback, Algorithm::kEm, Algorithm::kEmNewton,
        Algorithm::kOsem, Algorithm::kMap, Algorithm::kCosipyRl}) {
    for (const Stop s : {Stop::kIterations, Stop::kLikelihood, Stop::kThinning}) {
      out.push_back({a, s});
    }
  }
  return out;
}
INSTANTIATE_TEST_SUITE_P(All, EveryWay, ::testing::ValuesIn(ways()), name_of);

TEST_F(Reconstruct, LikelihoodStopsAtTheFirstSmallRise) {
  Settings settings = settings_of(Algorithm::kEm, Stop::kLikelihood);
  settings.stop.iterations = 200;
  settings.stop.threshold = 2;
  const Result result = run(settings);
  EXPECT_EQ(result.stopped_by, "likelihood");
  ASSERT_LT(result.iterations, 200);
  // The rise that ended the run is the one before the last update.
  const auto& l = result.log_likelihood;
  const std::size_t n = l.size();
  EXPECT_LT(l[n - 2] - l[n - 3], 2);
  for (std::size_t i = 1; i + 2 < n; ++i) EXPECT_GE(l[i] - l[i - 1], 2);
}

TEST_F(Reconstruct, ThinningStopsAtTheLastUpdateAsGoodAsTheBest) {
  Settings settings = settings_of(Algorithm::kEm, Stop::kThinning);
  settings.stop.iterations = 400;
  settings.algorithm.prior = {imaging::PriorKind::kGamma, 0.9};
  const Result result = run(settings);
  EXPECT_EQ(result.stopped_by, "thinning");
  const auto best = std::max_element(result.validation.begin(), result.validation.end());
  auto latest = best;
  for (auto v = best; v != result.validation.end(); ++v) {
    if (*v >= *best - 0.5) latest = v;
  }
  EXPECT_EQ(result.iterations, 2 * (latest - result.validation.begin() + 1));
  EXPECT_EQ(result.validation.end() - best - 1, settings.stop.patience);
  EXPECT_TRUE(result.warnings.empty());
}

TEST_F(Reconstruct, SaysWhenThinningRanOutOfIterations) {
  Settings settings = settings_of(Algorithm::kEm, Stop::kThinning);
  settings.stop.iterations = 4;
  settings.save_iterations = {};
  const Result result = run(settings);
  EXPECT_EQ(result.stopped_by, "iterations");
  EXPECT_EQ(result.iterations, 4);
  EXPECT_THAT(result.warnings, ::testing::Contains(::testing::HasSubstr("still rose")));
  EXPECT_THAT(result.warnings, ::testing::Contains(::testing::HasSubstr("em without a prior")));
}

TEST_F(Reconstruct, NoCountsMakeAnEmptyMap) {
  for (double& y : data_.counts) y = 0;
  ImagingFixture dark(data_);
  for (const Algorithm a : {Algorithm::kEm, Algorithm::kOsem, Algorithm::kMap}) {
    Settings settings = settings_of(a, Stop::kThinning);
    settings.bootstrap.replicates = 2;
    settings.save_iterations = {};
    const imaging::Problem problem = dark.problem();
    const Result result = reconstruct(problem, settings, {});
    for (const double x : result.estimate.image) ASSERT_TRUE(x >= 0 && x < 1e-6) << x;
  }
}

TEST_F(Reconstruct, RefusesSettingsThatContradictEachOtherOrTheData) {
  const auto refuses = [&](auto change) {
    Settings settings = settings_of(Algorithm::kOsem, Stop::kThinning);
    change(settings);
    EXPECT_THROW(run(settings), std::invalid_argument);
  };
  refuses([](Settings& s) { s.stop.iterations = 0; });
  refuses([](Settings& s) { s.stop.fraction = 1; });
  refuses([](Settings& s) { s.stop.splits = 0; });
  refuses([](Settings& s) { s.stop.patience = 0; });
  refuses([](Settings& s) { s.bootstrap.replicates = 1; });
  refuses([](Settings& s) { s.save_iterations = {9}; });
  refuses([](Settings& s) { s.regions = {{"negative", 0, 0, -1}}; });
  fixture_.counts()[0] = 0.5;
  refuses([](Settings&) {});
}

TEST_F(Reconstruct, NamesARegionThatHoldsNoPixel) {
  Settings settings = settings_of(Algorithm::kOsem, Stop::kIterations);
  settings.regions = {{"crab", 0, 0, 1}};
  try {
    run(settings);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("crab"));
  }
}

TEST_F(Reconstruct, RefusesACheckpointOfAnotherJob) {
  Settings settings = settings_of(Algorithm::kEm, Stop::kIterations);
  Interruption interruption{2, {}};
  ASSERT_THROW(run(settings, interruption.hooks()), imaging::Cancelled);
  settings.stop.iterations = 9;
  EXPECT_THROW(run(settings, {}, &interruption.last), std::invalid_argument);
  interruption.last.resize(interruption.last.size() / 2);
  settings.stop.iterations = 8;
  EXPECT_THROW(run(settings, {}, &interruption.last), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::test
