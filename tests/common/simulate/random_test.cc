#include "common/simulate/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace unfold::simulate {
namespace {

constexpr int kDraws = 200000;

struct Moments {
  double mean = 0;
  double variance = 0;
};

template <class Draw>
Moments moments_of(const Draw& draw) {
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = draw();
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

TEST(RandomTest, NumbersDependOnSeedAndStreamOnly) {
  Random a(7, 3);
  Random b(7, 3);
  Random other_stream(7, 4);
  Random other_seed(8, 3);
  const std::uint64_t first = a.bits();
  EXPECT_EQ(b.bits(), first);
  EXPECT_NE(other_stream.bits(), first);
  EXPECT_NE(other_seed.bits(), first);
}

TEST(RandomTest, NeighbouringStreamsAreNotCorrelated) {
  double product = 0;
  for (int stream = 0; stream < kDraws; ++stream) {
    Random here(1, static_cast<std::uint64_t>(stream));
    Random next(1, static_cast<std::uint64_t>(stream) + 1);
    product += (here.uniform() - 0.5) * (next.uniform() - 0.5);
  }
  EXPECT_LT(std::abs(product / kDraws * 12), 5 / std::sqrt(double(kDraws)));
}

TEST(RandomTest, NormalNumbersHaveTheMomentsOfTheNormalDistribution) {
  Random random(11, 0);
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
  }
  EXPECT_LT(std::abs(sum / kDraws), 5 / std::sqrt(double(kDraws)));
  EXPECT_LT(std::abs(squares / kDraws - 1), 5 * std::sqrt(2.0 / kDraws));
  EXPECT_LT(std::abs(fourths / kDraws - 3), 5 * std::sqrt(96.0 / kDraws));
}

class PoissonTest : public testing::TestWithParam<double> {};

TEST_P(PoissonTest, MeanAndVarianceAreTheMean) {
  const double mean = GetParam();
  Random random(5, static_cast<std::uint64_t>(mean * 1000));
  const Moments moments = moments_of([&] { return random.poisson(mean); });
  EXPECT_LT(std::abs(moments.mean - mean), 5 * std::sqrt(mean / kDraws));
  // Variance of the sample variance: (mu4 - sigma^4) / n, mu4 = mean + 3 mean^2.
  EXPECT_LT(std::abs(moments.variance - mean), 5 * std::sqrt((mean + 2 * mean * mean) / kDraws));
}

class SmallPoissonTest : public testing::TestWithParam<double> {};

TEST_P(SmallPoissonTest, FollowsTheProbabilities) {
  const double mean = GetParam();
  Random random(6, static_cast<std::uint64_t>(mean * 1000));
  std::vector<double> counts(1000, 0.0);
  for (int i = 0; i < kDraws; ++i) counts[static_cast<std::size_t>(random.poisson(mean))] += 1;
  double chi2 = 0;
  int freedom = 0;
  double probability = std::exp(-mean);
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const double expected = kDraws * probability;
    if (expected > 20) {
      chi2 += (counts[k] - expected) * (counts[k] - expected) / expected;
      ++freedom;
    }
    probability *= mean / static_cast<double>(k + 1);
  }
  EXPECT_LT(std::abs(chi2 - freedom), 5 * std::sqrt(2.0 * freedom));
}

INSTANTIATE_TEST_SUITE_P(Means, PoissonTest,
                         testing::Values(0.02, 0.7, 5.0, 9.99, 10.0, 37.5, 2e4, 3e6));
INSTANTIATE_TEST_SUITE_P(Means, SmallPoissonTest,
                         testing::Values(0.7, 5.0, 9.99, 10.0, 12.0, 37.5, 180.0));

TEST(RandomTest, NoLightGivesNoElectrons) {
  Random random(1, 1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.poisson(0), 0);
}

}  // namespace
}  // namespace unfold::simulate
