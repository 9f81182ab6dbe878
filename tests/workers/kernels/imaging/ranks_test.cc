#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/support/made_imaging.h"
#include "tests/workers/kernels/imaging/rank_pair.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;

class Ranks : public ::testing::TestWithParam<Algorithm> {};

TEST_P(Ranks, OfAGangMakeTheImageOfOne) {
  const ImagingData all = made_imaging({.components = 2});
  ImagingFixture whole(all);
  const imaging::AlgorithmOptions options{.algorithm = GetParam(), .subsets = 4};
  const imaging::Problem problem = whole.problem();
  const auto wanted = imaging::make_reconstruction(problem, options);
  for (int n = 0; n < 4; ++n) wanted->step();
  const double log_likelihood = wanted->log_likelihood();

  RankPair pair;
  imaging::Estimate estimate[2];
  double likelihood[2] = {};
  const auto work = [&](Index rank) {
    ImagingFixture mine(half(all, rank));
    RankPair::Rank communicator(pair, static_cast<int>(rank));
    const imaging::Problem part{mine.response(),  mine.events(), mine.background(), mine.counts(),
                                whole.exposure(), problem.sky,   communicator};
    const auto made = imaging::make_reconstruction(part, options);
    for (int n = 0; n < 4; ++n) made->step();
    likelihood[rank] = made->log_likelihood();
    estimate[rank] = made->estimate();
  };
  std::thread other(work, 1);
  work(0);
  other.join();

  EXPECT_EQ(estimate[0].image, estimate[1].image);
  EXPECT_EQ(estimate[0].amplitude, estimate[1].amplitude);
  EXPECT_NEAR(likelihood[0], log_likelihood, 1e-8 * std::abs(log_likelihood));
  const std::vector<double>& image = wanted->estimate().image;
  const double largest = *std::max_element(image.begin(), image.end());
  for (std::size_t p = 0; p < image.size(); ++p) {
    EXPECT_NEAR(estimate[0].image[p], image[p], 1e-6 * largest);
  }
}

std::string name_of(const ::testing::TestParamInfo<Algorithm>& param) {
  const char* names[] = {"Dc1", "Dc1Feedback", "Em", "EmNewton", "Osem", "Map", "CosipyRl"};
  return names[static_cast<int>(param.param)];
}
INSTANTIATE_TEST_SUITE_P(Each, Ranks,
                         ::testing::Values(Algorithm::kDc1, Algorithm::kDc1Feedback, Algorithm::kEm,
                                           Algorithm::kEmNewton, Algorithm::kOsem,
                                           Algorithm::kCosipyRl),
                         name_of);

}  // namespace
}  // namespace unfold::test
