#include "workers/kernels/imaging/reconstruct.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/support/made_imaging.h"
#include "workers/kernels/imaging/redraw.h"
#include "workers/kernels/imaging/refits.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::Checkpoint;
using imaging::Hooks;
using imaging::Report;
using imaging::Result;
using imaging::Settings;
using imaging::Stop;

constexpr double kNothing = -1;

/// NaN-proof equality.
std::vector<double> plain(std::vector<double> values) {
  for (double& v : values) v = std::isnan(v) ? kNothing : v;
  return values;
}

void expect_same(const Result& a, const Result& b) {
  EXPECT_EQ(a.estimate.image, b.estimate.image);
  EXPECT_EQ(a.estimate.amplitude, b.estimate.amplitude);
  EXPECT_EQ(a.iterations, b.iterations);
  EXPECT_EQ(a.log_likelihood, b.log_likelihood);
  EXPECT_EQ(a.amplitude, b.amplitude);
  EXPECT_EQ(a.saved_at, b.saved_at);
  EXPECT_EQ(a.saved, b.saved);
  EXPECT_EQ(a.validation, b.validation);
  EXPECT_EQ(plain(a.standard_error), plain(b.standard_error));
  EXPECT_EQ(a.on_bound, b.on_bound);
  EXPECT_EQ(a.amplitude_error, b.amplitude_error);
  EXPECT_EQ(a.replicate_iterations, b.replicate_iterations);
  EXPECT_EQ(a.stopped_by, b.stopped_by);
  EXPECT_EQ(a.warnings, b.warnings);
  ASSERT_EQ(a.regions.size(), b.regions.size());
  for (std::size_t i = 0; i < a.regions.size(); ++i) {
    EXPECT_EQ(a.regions[i].flux, b.regions[i].flux);
    EXPECT_EQ(plain({a.regions[i].standard_error, a.regions[i].bias}),
              plain({b.regions[i].standard_error, b.regions[i].bias}));
  }
}

Settings settings_of(Algorithm algorithm, Stop stop) {
  Settings out;
  out.algorithm.algorithm = algorithm;
  out.algorithm.subsets = 4;
  out.stop.stop = stop;
  out.stop.iterations = 8;
  out.stop.threshold = 30;
  out.stop.splits = 2;
  out.stop.patience = 2;
  out.regions = {{"source", -45, -27, 30}, {"empty", 100, 50, 25}};
  out.save_iterations = {1, 3};
  return out;
}

class Reconstruct : public ::testing::Test {
 protected:
  Result run(const Settings& settings, const Hooks& hooks = {},
             const Checkpoint* resume = nullptr) {
    const imaging::Problem problem = fixture_.problem();
    return reconstruct(problem, settings, hooks, resume);
  }
  ImagingData data_ = made_imaging({.times = 12, .source_counts = 4000, .background_counts = 6000});
  ImagingFixture fixture_{data_};
};

struct Way {
  Algorithm algorithm;
  Stop stop;
};
class EveryWay : public Reconstruct, public ::testing::WithParamInterface<Way> {};

/// Ends a run after so many reports, keeping the last checkpoint before.
struct Interruption {
  int reports_left;
  Checkpoint last;
  Hooks hooks() {
    return {.report = [this](const Report&) { --reports_left; },
            .cancelled = [this] { return reports_left <= 0; },
            .checkpoint = [this](const Checkpoint& c) { last = c; }};
  }
};

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
std::string name_of(const ::testing::TestParamInfo<Way>& info) {
  const char* algorithms[] = {"Dc1", "Dc1Feedback", "Em", "EmNewton", "Osem", "Map", "CosipyRl"};
  const char* stops[] = {"Iterations", "Likelihood", "Thinning"};
  return std::string(algorithms[static_cast<int>(info.param.algorithm)]) +
         stops[static_cast<int>(info.param.stop)];
}
INSTANTIATE_TEST_SUITE_P(All, EveryWay, ::testing::ValuesIn(ways()), name_of);

class Batches : public Reconstruct, public ::testing::WithParamInterface<Way> {
 protected:
  Settings settings(imaging::BootstrapStop stop) const {
    Settings out = settings_of(GetParam().algorithm, GetParam().stop);
    out.bootstrap = {.replicates = 18, .stop = stop};
    return out;
  }
  imaging::CountModel model() {
    const imaging::Problem problem = fixture_.problem();
    return {problem, {data_.truth, {1}}};
  }
};

TEST_P(Batches, GiveWhatReplicatesOneByOneGive) {
  for (const auto stop : {imaging::BootstrapStop::kFixed, imaging::BootstrapStop::kRefit}) {
    const Settings chosen = settings(stop);
    const imaging::CountModel counts = model();
    const imaging::Problem problem = fixture_.problem();
    const imaging::Refits refits(problem, chosen, counts, 5, [] {});
    ASSERT_EQ(refits.next_group(0), 16);
    Index told = 0;
    const auto together = refits.several(0, 16, [&](Index done) { told = done; });
    EXPECT_EQ(told, 16);
    for (std::size_t r = 0; r < together.size(); ++r) {
      const imaging::Refit alone = refits.one(static_cast<Index>(r));
      ASSERT_EQ(together[r].updates, alone.updates);
      const double most = *std::max_element(alone.estimate.image.begin(),  //
                                            alone.estimate.image.end());
      for (std::size_t p = 0; p < data_.truth.size(); ++p) {
        ASSERT_NEAR(together[r].estimate.image[p], alone.estimate.image[p], 1e-9 * most) << p;
      }
      ASSERT_NEAR(together[r].estimate.amplitude[0], alone.estimate.amplitude[0], 1e-9);
    }
  }
}

TEST_P(Batches, ACancelledBootstrapResumesToTheSameBits) {
  const Settings chosen = settings(imaging::BootstrapStop::kRefit);
  std::vector<Index> finished;
  const Result whole = run(chosen, {.report = [&](const Report& report) {
                             if (std::string(report.stage) == "bootstrap") {
                               finished.push_back(report.iteration);
                             }
                           }});
  EXPECT_EQ(whole.replicate_iterations.size(), 18U);
  EXPECT_LT(finished.front(), 16) << "sixteen at once report on their way";
  EXPECT_EQ(finished.back(), 18);
  int reports = 0;
  run(chosen, {.report = [&](const Report&) { ++reports; }});
  for (int n = reports - static_cast<int>(finished.size()); n < reports; n += 3) {
    Interruption interruption{n, {}};
    ASSERT_THROW(run(chosen, interruption.hooks()), imaging::Cancelled) << n;
    expect_same(whole, run(chosen, {}, &interruption.last));
    if (HasFailure()) FAIL() << "cancelled after report " << n << " of " << reports;
  }
}
INSTANTIATE_TEST_SUITE_P(All, Batches,
                         ::testing::Values(Way{Algorithm::kEm, Stop::kIterations},
                                           Way{Algorithm::kOsem, Stop::kThinning},
                                           Way{Algorithm::kMap, Stop::kThinning}),
                         name_of);

TEST_F(Reconstruct, ReplicatesAreBatchedOnlyWhereTheirListsOverlap) {
  const imaging::Problem problem = fixture_.problem();
  Settings settings = settings_of(Algorithm::kOsem, Stop::kIterations);
  settings.bootstrap.replicates = 40;
  const imaging::CountModel full(problem, {data_.truth, {1}});
  const imaging::Refits overlapping(problem, settings, full, 5, [] {});
  EXPECT_EQ(overlapping.next_group(16), 16);
  EXPECT_EQ(overlapping.next_group(32), 1) << "half a group costs as much as a whole one";
  EXPECT_EQ(overlapping.next_group(33), 1) << "groups begin at multiples of 16";
  std::vector<double> faint = data_.truth;
  for (double& x : faint) x *= 1e-3;
  const imaging::CountModel sparse(problem, {faint, {1e-3}});
  EXPECT_EQ(imaging::Refits(problem, settings, sparse, 5, [] {}).next_group(0), 1);
  settings.stop.stop = Stop::kLikelihood;
  EXPECT_EQ(imaging::Refits(problem, settings, full, 5, [] {}).next_group(0), 1);
  settings.algorithm.algorithm = Algorithm::kDc1;
  settings.stop.stop = Stop::kIterations;
  EXPECT_EQ(imaging::Refits(problem, settings, full, 5, [] {}).next_group(0), 1);
}

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

TEST_F(Reconstruct, SeedsDecideSplitsAndReplicates) {
  Settings settings = settings_of(Algorithm::kOsem, Stop::kThinning);
  settings.bootstrap.replicates = 2;
  const Result first = run(settings);
  settings.stop.seed = 77;
  EXPECT_NE(run(settings).validation, first.validation);
  settings.stop.seed = 1;
  settings.bootstrap.seed = 99;
  const Result other = run(settings);
  EXPECT_EQ(other.validation, first.validation);
  EXPECT_NE(plain(other.standard_error), plain(first.standard_error));
}

TEST_F(Reconstruct, RegionsSumTheirPixelsAndErrorsComeFromReplicateSums) {
  Settings settings = settings_of(Algorithm::kOsem, Stop::kIterations);
  settings.bootstrap.replicates = 6;
  settings.regions.push_back({"pixel", -45, -27, 8});
  settings.regions.push_back({"sky", 0, 0, 180});
  const Result result = run(settings);
  double all = 0;
  std::size_t source = 0;
  for (std::size_t p = 0; p < data_.solid_angle.size(); ++p) {
    all += result.estimate.image[p] * data_.solid_angle[p];
    if (data_.l_deg[p] == -45 && data_.b_deg[p] == -27) source = p;
  }
  EXPECT_EQ(result.regions[2].pixels, 1);
  EXPECT_DOUBLE_EQ(result.regions[2].flux,
                   result.estimate.image[source] * data_.solid_angle[source]);
  EXPECT_NEAR(result.regions[2].standard_error,
              result.standard_error[source] * data_.solid_angle[source],
              1e-12 * result.regions[2].flux);
  EXPECT_EQ(result.regions[3].pixels, 200);
  EXPECT_NEAR(result.regions[3].flux, all, 1e-12 * all);
  EXPECT_EQ(result.amplitude_error.size(), 1U);
  EXPECT_GT(result.amplitude_error[0], 0);
  EXPECT_EQ(result.replicate_iterations, std::vector<Index>(6, 8));
}

TEST_F(Reconstruct, PixelsAtZeroAreFlaggedAndHaveNoError) {
  Settings settings = settings_of(Algorithm::kMap, Stop::kIterations);
  settings.algorithm.prior = {imaging::PriorKind::kGamma, 0.1};
  settings.stop.iterations = 40;
  settings.bootstrap.replicates = 4;
  const Result result = run(settings);
  EXPECT_GT(std::count(result.on_bound.begin(), result.on_bound.end(), 1), 0);
  EXPECT_GT(std::count(result.on_bound.begin(), result.on_bound.end(), 0), 0);
  for (std::size_t p = 0; p < result.on_bound.size(); ++p) {
    EXPECT_EQ(std::isnan(result.standard_error[p]), result.on_bound[p] == 1) << p;
  }
}

TEST_F(Reconstruct, FixedReplicatesMakeAsManyUpdatesAsTheData) {
  Settings settings = settings_of(Algorithm::kOsem, Stop::kThinning);
  settings.stop.iterations = 40;
  settings.bootstrap = {.replicates = 3, .stop = imaging::BootstrapStop::kFixed};
  const Result fixed = run(settings);
  EXPECT_EQ(fixed.replicate_iterations, std::vector<Index>(3, fixed.iterations));
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

TEST_F(Reconstruct, DrawnCountsHaveTheModelAsTheirMean) {
  const imaging::Problem problem = fixture_.problem();
  imaging::Estimate truth{data_.truth, {1}};
  const imaging::CountModel model(problem, truth);
  std::vector<double> expected(data_.counts.size());
  problem.response.forward(data_.truth, expected);
  double total = 0, seen = 0, weighted = 0, weighted_expected = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected[i] += data_.background[0][i];
    total += expected[i];
    weighted_expected += expected[i] * expected[i];
  }
  constexpr int kReplicates = 20;
  for (std::uint64_t r = 0; r < kReplicates; ++r) {
    const imaging::DrawnCounts drawn = model.draw(4, r);
    ASSERT_EQ(drawn.events.size(), static_cast<Index>(drawn.counts.size()));
    const std::vector<double> here = at_events(drawn.events, expected, data_.bins);
    for (std::size_t n = 0; n < here.size(); ++n) {
      seen += drawn.counts[n];
      weighted += drawn.counts[n] * here[n];
    }
    EXPECT_EQ(drawn.background.at_events, at_events(drawn.events, data_.background[0], data_.bins));
  }
  EXPECT_NEAR(seen / kReplicates, total, 4 * std::sqrt(total / kReplicates));
  EXPECT_NEAR(weighted / kReplicates / weighted_expected, 1, 0.02);
}

TEST_F(Reconstruct, BootstrapNeedsTheBackgroundOfEveryBin) {
  imaging::Background bare = fixture_.background();
  bare.row = nullptr;
  const imaging::Problem whole = fixture_.problem();
  const imaging::Problem problem{whole.response,    whole.events,   bare,
                                 whole.counts,      whole.exposure, whole.sky,
                                 whole.communicator};
  Settings settings = settings_of(Algorithm::kOsem, Stop::kIterations);
  EXPECT_NO_THROW(reconstruct(problem, settings, {}));
  settings.bootstrap.replicates = 2;
  EXPECT_THROW(reconstruct(problem, settings, {}), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::test
