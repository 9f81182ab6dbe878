#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "tests/support/made_imaging.h"

namespace unfold::test {
namespace {

std::vector<double> random_values(Index n, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> out(at(n));
  for (double& x : out) x = uniform(random);
  return out;
}

class ReferenceOperator : public ::testing::Test {
 protected:
  ReferenceOperator() : data_(made_imaging({.times = 6, .groups = 2})), fixture_(data_) {}
  ImagingData data_;
  ImagingFixture fixture_;
};

TEST_F(ReferenceOperator, ForwardAndBackAreAdjoint) {
  const auto [times, pixels, bins] = data_.shape();
  const std::vector<double> x = random_values(pixels, 1), q = random_values(times * bins, 2);
  std::vector<double> forward(at(times * bins)), back(at(pixels));
  fixture_.response().forward(x, forward);
  fixture_.response().back(q, back);
  const double left = std::inner_product(q.begin(), q.end(), forward.begin(), 0.0);
  const double right = std::inner_product(x.begin(), x.end(), back.begin(), 0.0);
  EXPECT_GT(left, 0);
  EXPECT_NEAR(left, right, 1e-13 * left);
}

TEST_F(ReferenceOperator, SensitivityIsBackOfOnesAndSubsetsAddUp) {
  const auto [times, pixels, bins] = data_.shape();
  std::vector<double> all(at(pixels)), part(at(pixels)), sum(at(pixels)), ones(at(pixels));
  fixture_.response().back(std::vector<double>(at(times * bins), 1.0), ones);
  fixture_.response().sensitivity({}, all);
  for (Index first = 0; first < 4; ++first) {
    fixture_.response().sensitivity({first, 4}, part);
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] += part[p];
  }
  for (std::size_t p = 0; p < sum.size(); ++p) {
    EXPECT_DOUBLE_EQ(all[p], ones[p]);
    EXPECT_NEAR(sum[p], all[p], 1e-13 * all[p]);
  }
}

TEST_F(ReferenceOperator, EventsSeeTheSameNumbersAsDenseData) {
  const auto [times, pixels, bins] = data_.shape();
  const imaging::Events& events = fixture_.events();
  const std::vector<double> x = random_values(pixels, 3);
  std::vector<double> dense(at(times * bins)), listed(at(events.size()));
  fixture_.response().forward(x, dense);
  fixture_.response().forward_events(events, {}, x, listed);
  EXPECT_EQ(listed, at_events(events, dense, bins));

  std::vector<double> from_dense(at(pixels)), from_events(at(pixels));
  fixture_.response().back(data_.counts, from_dense);
  fixture_.response().back_events(events, {}, fixture_.counts(), from_events);
  for (std::size_t p = 0; p < from_dense.size(); ++p) {
    EXPECT_NEAR(from_events[p], from_dense[p], 1e-13 * from_dense[p]);
  }
}

TEST_F(ReferenceOperator, APassIsForwardRatioAndBackForEachReplicate) {
  const auto [times, pixels, bins] = data_.shape();
  const imaging::Events& events = fixture_.events();
  const imaging::Background& background = fixture_.background();
  const Index n = events.size();
  std::vector<double> counts = fixture_.counts();
  counts.insert(counts.end(), fixture_.counts().begin(), fixture_.counts().end());
  for (std::size_t i = 0; i < at(n); i += 3) counts[at(n) + i] = 0;
  std::vector<double> image = random_values(2 * pixels, 4);
  const std::vector<double> amplitude = {1, 0.5, 0.7, 2};
  const imaging::PassResult result = fixture_.response().pass(events, background,
                                                              {.subset = {1, 2},
                                                               .replicates = 2,
                                                               .counts = counts,
                                                               .image = image,
                                                               .amplitude = amplitude});
  for (Index r = 0; r < 2; ++r) {
    std::vector<double> model(at(n)), ratio(at(n)), back(at(pixels));
    const std::span<const double> x = std::span(image).subspan(at(r * pixels), at(pixels));
    fixture_.response().forward_events(events, {}, x, model);
    double log_model = 0, amplitude_back[2] = {};
    for (Index t = 1; t < times; t += 2) {
      const Index g = background.group[at(t)];
      for (Index i = events.begin[at(t)]; i < events.begin[at(t + 1)]; ++i) {
        const double b = background.at_events[at(i)], y = counts[at(r * n + i)];
        const double m = model[at(i)] + amplitude[at(2 * r + g)] * b;
        ratio[at(i)] = y / m;
        log_model += y * std::log(m);
        amplitude_back[g] += y / m * b;
      }
    }
    fixture_.response().back_events(events, {}, ratio, back);
    EXPECT_NEAR(result.log_model[at(r)], log_model, 1e-12 * std::abs(log_model));
    for (Index g = 0; g < 2; ++g) {
      EXPECT_NEAR(result.amplitude_back[at(2 * r + g)], amplitude_back[g],
                  1e-12 * amplitude_back[g]);
    }
    for (Index p = 0; p < pixels; ++p) {
      EXPECT_NEAR(result.back[at(r * pixels + p)], back[at(p)], 1e-12 * back[at(p)]);
    }
  }
  EXPECT_EQ(result.impossible, 0);
}

TEST_F(ReferenceOperator, AnEventWithoutAModelIsCountedAndLeftOut) {
  const Index pixels = data_.shape().pixels;
  const imaging::PassResult result =
      fixture_.response().pass(fixture_.events(), fixture_.background(),
                               {.counts = fixture_.counts(),
                                .image = std::vector<double>(at(pixels), 0.0),
                                .amplitude = std::vector<double>(2, 0.0)});
  EXPECT_EQ(result.impossible, fixture_.events().size());
  EXPECT_EQ(result.log_model[0], 0);
  EXPECT_EQ(result.back, std::vector<double>(at(pixels), 0.0));
}

}  // namespace
}  // namespace unfold::test
