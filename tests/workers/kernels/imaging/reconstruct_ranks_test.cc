#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <thread>

#include "tests/support/made_imaging.h"
#include "tests/workers/kernels/imaging/rank_pair.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::test {
namespace {

using imaging::Result;
using imaging::Settings;

/// The two ranks' results of one job over time bins cut in half.
std::vector<Result> run_on_pair(const ImagingData& all, const Settings& settings) {
  ImagingFixture whole(all);
  const imaging::Problem problem = whole.problem();
  RankPair pair;
  std::vector<Result> out(2);
  const auto work = [&](Index rank) {
    ImagingFixture mine(half(all, rank));
    RankPair::Rank communicator(pair, static_cast<int>(rank));
    const imaging::Problem part{mine.response(),  mine.events(), mine.background(), mine.counts(),
                                whole.exposure(), problem.sky,   communicator};
    out[at(rank)] = reconstruct(part, settings, {});
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  return out;
}

void expect_near(const std::vector<double>& is, const std::vector<double>& wanted,
                 double relative) {
  ASSERT_EQ(is.size(), wanted.size());
  double largest = 0;
  for (const double x : wanted) largest = std::isnan(x) ? largest : std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < is.size(); ++i) {
    EXPECT_EQ(std::isnan(is[i]), std::isnan(wanted[i])) << i;
    if (!std::isnan(wanted[i])) {
      EXPECT_NEAR(is[i], wanted[i], relative * largest) << i;
    }
  }
}

/// Splits, the stop rule and replicates too: what is drawn belongs to a bin, not to a rank.
TEST(ReconstructRanks, OfAGangMakeTheResultOfOne) {
  const ImagingData all = made_imaging({.components = 2});
  Settings settings;
  settings.algorithm.algorithm = imaging::Algorithm::kOsem;
  settings.algorithm.subsets = 4;
  settings.stop.iterations = 20;
  settings.bootstrap.replicates = 2;
  ImagingFixture whole(all);
  const imaging::Problem problem = whole.problem();
  const Result wanted = reconstruct(problem, settings, {});
  const std::vector<Result> ranks = run_on_pair(all, settings);
  EXPECT_EQ(ranks[0].estimate.image, ranks[1].estimate.image);
  EXPECT_EQ(ranks[0].validation, ranks[1].validation);
  EXPECT_EQ(ranks[0].replicate_iterations, ranks[1].replicate_iterations);
  EXPECT_EQ(ranks[0].iterations, wanted.iterations);
  EXPECT_EQ(ranks[0].replicate_iterations, wanted.replicate_iterations);
  expect_near(ranks[0].validation, wanted.validation, 1e-10);
  expect_near(ranks[0].log_likelihood, wanted.log_likelihood, 1e-10);
  expect_near(ranks[0].estimate.image, wanted.estimate.image, 1e-6);
  expect_near(ranks[0].standard_error, wanted.standard_error, 1e-5);
}

TEST(ReconstructRanks, TellOfEveryRanksImpossibleEvents) {
  ImagingData all = made_imaging({});
  for (double& b : all.background[0]) b = 0;
  // Bin 0 of the second half cannot be seen from anywhere.
  for (std::size_t k = 0; k < all.instrument.size(); k += at(all.bins)) all.instrument[k] = 0;
  std::fill(all.counts.begin(), all.counts.end(), 1.0);
  for (Index t = 0; t < all.attitude.times / 2; ++t) all.counts[at(t * all.bins)] = 0;
  Settings settings;
  settings.algorithm.algorithm = imaging::Algorithm::kEm;
  settings.stop.stop = imaging::Stop::kIterations;
  settings.stop.iterations = 1;
  for (const Result& result : run_on_pair(all, settings)) {
    EXPECT_EQ(result.impossible_events, all.attitude.times / 2);
  }
}

}  // namespace
}  // namespace unfold::test
