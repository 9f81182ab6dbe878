#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/workers/kernels/imaging/estimates.h"

namespace unfold::test {
namespace {

using imaging::Algorithm;
using imaging::AlgorithmOptions;
using imaging::Reconstruction;

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

}  // namespace
}  // namespace unfold::test
