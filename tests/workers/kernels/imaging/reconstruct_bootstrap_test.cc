#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "tests/workers/kernels/imaging/reconstruct_case.h"
#include "workers/kernels/imaging/redraw.h"
#include "workers/kernels/imaging/refits.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::Report;
using imaging::Result;
using imaging::Settings;
using imaging::Stop;

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
