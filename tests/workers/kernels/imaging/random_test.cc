#include "workers/compute/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "workers/kernels/imaging/redraw.h"

namespace unfold::imaging {
namespace {

using compute::Random;

constexpr int kDraws = 200000;

/// chi2 of draws against a distribution, bins of fewer than 10 expected merged into their left
/// neighbour; as the standard deviations of a normal variable.
double chi2_excess(const std::vector<int>& seen, const std::function<double(int)>& probability) {
  double chi2 = 0, expected = 0, count = 0;
  int degrees = -1;
  for (int k = 0; k < static_cast<int>(seen.size()); ++k) {
    expected += kDraws * probability(k);
    count += seen[static_cast<std::size_t>(k)];
    if (expected < 10) continue;
    chi2 += (count - expected) * (count - expected) / expected;
    ++degrees;
    expected = count = 0;
  }
  // Wilson and Hilferty: the cube root is nearly normal, also for few degrees of freedom.
  const double width = 2.0 / (9 * degrees);
  return (std::cbrt(chi2 / degrees) - (1 - width)) / std::sqrt(width);
}

double log_binomial(int n, int k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

TEST(ImagingRandom, PoissonDrawsFollowTheirDistribution) {
  for (const double mean : {0.03, 1.0, 9.9, 10.0, 37.5, 400.0}) {
    std::vector<int> seen(1000);
    for (int i = 0; i < kDraws; ++i) {
      Random random(5, 1, static_cast<std::uint64_t>(i));
      ++seen.at(static_cast<std::size_t>(random.poisson(mean)));
    }
    const auto probability = [&](int k) {
      return std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
    };
    EXPECT_LT(std::abs(chi2_excess(seen, probability)), 4) << mean;
  }
}

TEST(ImagingRandom, BinomialDrawsFollowTheirDistribution) {
  for (const auto& [n, p] :
       {std::pair{1, 0.5}, {7, 0.8}, {40, 0.1}, {25, 0.5}, {300, 0.3}, {900, 0.97}}) {
    std::vector<int> seen(static_cast<std::size_t>(n) + 1);
    for (int i = 0; i < kDraws; ++i) {
      Random random(6, 2, static_cast<std::uint64_t>(i));
      ++seen.at(static_cast<std::size_t>(random.binomial(n, p)));
    }
    const auto probability = [n = n, p = p](int k) {
      return std::exp(log_binomial(n, k) + k * std::log(p) + (n - k) * std::log1p(-p));
    };
    EXPECT_LT(std::abs(chi2_excess(seen, probability)), 4) << n << ", " << p;
  }
}

TEST(ImagingRandom, LargeCountsKeepMeanAndVariance) {
  double sum = 0, square = 0;
  for (int i = 0; i < 20000; ++i) {
    Random random(7, 3, static_cast<std::uint64_t>(i));
    const double off = static_cast<double>(random.binomial(2000000000, 0.4)) - 8e8;
    sum += off;
    square += off * off;
  }
  const double sigma = std::sqrt(2e9 * 0.4 * 0.6);
  EXPECT_LT(std::abs(sum / 20000), 4 * sigma / std::sqrt(20000));
  EXPECT_NEAR(square / 20000 / (sigma * sigma), 1, 4 * std::sqrt(2.0 / 20000));
}

TEST(ImagingRandom, EdgesNeedNoLuck) {
  Random random(1, 1, 1);
  EXPECT_EQ(random.poisson(0), 0);
  EXPECT_EQ(random.binomial(0, 0.5), 0);
  EXPECT_EQ(random.binomial(9, 0), 0);
  EXPECT_EQ(random.binomial(9, 1), 9);
}

TEST(Thinning, SplitsShareOutEveryCount) {
  const std::vector<double> counts = {0, 1, 2, 17, 4000};
  for (const double fraction : {0.5, 0.8}) {
    const Splits splits = split_counts(counts, fraction, 4, 3, 0);
    ASSERT_EQ(splits.train.size(), 4 * counts.size());
    for (std::size_t i = 0; i < splits.train.size(); ++i) {
      EXPECT_GE(splits.train[i], 0);
      EXPECT_GE(splits.validate[i], 0);
      EXPECT_EQ(splits.train[i] + splits.validate[i], counts[i % counts.size()]);
    }
  }
}

TEST(Thinning, HalvesServeBothEnds) {
  const std::vector<double> counts(50, 3);
  const Splits splits = split_counts(counts, 0.5, 4, 3, 0);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(splits.train[50 + i], splits.validate[i]);
    EXPECT_EQ(splits.train[150 + i], splits.validate[100 + i]);
  }
  EXPECT_NE(std::vector(splits.train.begin(), splits.train.begin() + 50),
            std::vector(splits.train.begin() + 100, splits.train.begin() + 150));
}

TEST(Thinning, SidesAreUncorrelatedForPoissonCounts) {
  std::vector<double> counts;
  for (std::uint64_t i = 0; i < 100000; ++i) {
    counts.push_back(static_cast<double>(Random(8, 0, i).poisson(2)));
  }
  const Splits splits = split_counts(counts, 0.7, 1, 4, 0);
  double t = 0, v = 0, product = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    t += splits.train[i];
    v += splits.validate[i];
    product += splits.train[i] * splits.validate[i];
  }
  const double n = static_cast<double>(counts.size());
  EXPECT_NEAR(t / n, 1.4, 4 * std::sqrt(1.4 / n));
  EXPECT_NEAR(product / n - t / n * v / n, 0, 4 * std::sqrt(1.4 * 0.6 / n));
}

TEST(Thinning, RefusesWhatIsNoCount) {
  EXPECT_THROW(require_whole_counts(std::vector<double>{1, 0.5}), std::invalid_argument);
  EXPECT_THROW(require_whole_counts(std::vector<double>{-1}), std::invalid_argument);
  EXPECT_THROW(require_whole_counts(std::vector<double>{std::nan("")}), std::invalid_argument);
  EXPECT_NO_THROW(require_whole_counts(std::vector<double>{0, 1, 5}));
}

}  // namespace
}  // namespace unfold::imaging
