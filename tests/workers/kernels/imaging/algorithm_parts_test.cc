#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/support/made_imaging.h"
#include "workers/kernels/imaging/arrow.h"
#include "workers/kernels/imaging/newton.h"
#include "workers/kernels/imaging/prior.h"
#include "workers/kernels/imaging/smoothing.h"
#include "workers/kernels/imaging/squarem.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::test {
namespace {

using compute::View;
using Values = std::vector<double>;

View<const double, 1> in(const Values& values) {
  return {values.data(), static_cast<Index>(values.size())};
}
View<double, 1> out(Values& values) { return {values.data(), static_cast<Index>(values.size())}; }

TEST(EmUpdate, MultipliesByTheRatioOfBackToSensitivity) {
  const Values image = {2, 3, 5, 7}, back = {8, 2, 1, 1}, seen = {4, 0, 2, 2}, all = {4, 8, 8, 2};
  Values next(4);
  imaging::for_each_index(4, imaging::EmUpdate{.image = in(image),
                                               .back = in(back),
                                               .sensitivity = in(seen),
                                               .total = in(all),
                                               .next = out(next)});
  EXPECT_EQ(next, (Values{4, 3, 2.5, 3.5}));
}

TEST(EmUpdate, TakesTheGammaPriorsShareAwayButNothingBelowZero) {
  const Values image = {2, 1, 1}, back = {8, 0.25, 4}, seen = {4, 4, 2}, all = {4, 4, 8};
  Values next(3);
  imaging::for_each_index(3, imaging::EmUpdate{.image = in(image),
                                               .back = in(back),
                                               .sensitivity = in(seen),
                                               .total = in(all),
                                               .k = 0.5,
                                               .next = out(next)});
  EXPECT_EQ(next, (Values{(16 - 0.5) / 4, 0, (4 - 0.5 * 0.25) / 2}));
}

TEST(EmUpdate, OfASubsetShrinksNoFasterThanItMay) {
  const Values image = {2}, back = {0}, seen = {4}, all = {8};
  Values next(1);
  imaging::EmUpdate{in(image), in(back), in(seen), in(all), 0.01, 1, out(next)}(0);
  EXPECT_DOUBLE_EQ(next[0], 0.02);
}

TEST(AmplitudeUpdate, LeavesGroupsWithoutBackgroundAlone) {
  const Values amplitude = {2, 3}, back = {6, 0}, total = {3, 0};
  Values next(2);
  imaging::for_each_index(
      2, imaging::AmplitudeUpdate{
             .amplitude = in(amplitude), .back = in(back), .total = in(total), .next = out(next)});
  EXPECT_EQ(next, (Values{4, 3}));
}

TEST(Dc1Delta, IsTheEmStepTimesTheFourthRootOfTheExposure) {
  const Values image = {2, 5}, back = {48, 1}, exposure = {16, 0};
  Values delta(2);
  imaging::for_each_index(2, imaging::Dc1Delta{in(image), in(back), in(exposure), out(delta)});
  EXPECT_EQ(delta, (Values{2 * 2 * 2, 0}));
}

TEST(CosipyDelta, IsTheEmStepTimesAPowerOfTheRelativeExposure) {
  const Values image = {2, 5}, back = {12, 1}, exposure = {4, 0};
  Values delta(2);
  imaging::for_each_index(2, imaging::CosipyDelta{.image = in(image),
                                                  .back = in(back),
                                                  .exposure = in(exposure),
                                                  .largest = 16,
                                                  .power = 0.5,
                                                  .delta = out(delta)});
  EXPECT_EQ(delta, (Values{2 * 2 * 0.5, 0}));
}

TEST(AddStep, EndsAtZeroWhereTheLengthWasMeantToLead) {
  Values image = {0.3, 1, 1};
  const Values delta = {-0.1, -1, 0.5};
  const double length = 0.3 / 0.1;  // rounding may leave a rest of either sign
  imaging::for_each_index(3, imaging::AddStep{in(delta), length, out(image)});
  EXPECT_EQ(image[0], 0);
  EXPECT_EQ(image[1], 0);
  EXPECT_DOUBLE_EQ(image[2], 2.5);
}

TEST(Squarem, FindsTheFixedPointOfALinearMapInOneExtrapolation) {
  // F(u) = c + (u - c) / 2 along one direction: the secant is exact.
  const imaging::Estimate u0{{4, 8}, {2}}, u1{{3, 6}, {1.5}}, u2{{2.5, 5}, {1.25}};
  imaging::Squarem squarem(3);
  squarem.add(u0, u1);
  squarem.add(u1, u2);
  const imaging::Estimate far = squarem.extrapolate(Values{1, 1}, Values{1});
  EXPECT_NEAR(far.image[0], 2, 1e-8);
  EXPECT_NEAR(far.image[1], 4, 1e-8);
  EXPECT_NEAR(far.amplitude[0], 1, 1e-8);
}

TEST(Squarem, NeverGoesToZeroOrBelow) {
  const imaging::Estimate u0{{4, 1}, {}}, u1{{3, 1}, {}}, u2{{2.2, 1}, {}};
  imaging::Squarem squarem(2);
  squarem.add(u0, u1);
  squarem.add(u1, u2);
  const imaging::Estimate far = squarem.extrapolate(Values{1, 1}, {});
  EXPECT_DOUBLE_EQ(far.image[0], imaging::Squarem::kLeast * 2.2);
  EXPECT_DOUBLE_EQ(far.image[1], 1);
}

TEST(Squarem, TakesTheMapsImageWhereItHasConverged) {
  const imaging::Estimate u{{4, 0}, {1}};
  imaging::Squarem squarem(3);
  squarem.add(u, u);
  squarem.add(u, u);
  EXPECT_EQ(squarem.extrapolate(Values{1, 1}, Values{1}).image, u.image);
}

/// A dense solve by Gaussian elimination, to compare with.
Values eliminate(std::vector<Values> a, Values b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = j + 1; i < n; ++i) {
      const double f = a[i][j] / a[j][j];
      for (std::size_t k = j; k < n; ++k) a[i][k] -= f * a[j][k];
      b[i] -= f * b[j];
    }
  }
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t k = j + 1; k < n; ++k) b[j] -= a[j][k] * b[k];
    b[j] /= a[j][j];
  }
  return b;
}

TEST(Arrow, IsSolvedAsTheDenseMatrixIs) {
  const Index scales = 2, components = 2, blocks = 5, n = scales + components * blocks;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<Values> dense(at(n), Values(at(n)));
  Values right(at(n));
  imaging::Arrow arrow;
  arrow.scales = scales, arrow.components = components, arrow.blocks = blocks;
  arrow.dense.resize(4), arrow.cross.resize(20), arrow.block.resize(20);
  arrow.right.resize(2), arrow.right_of.resize(10);
  const auto index = [&](Index c, Index g) { return at(scales + c * blocks + g); };
  for (Index i = 0; i < scales; ++i) {
    for (Index j = 0; j < scales; ++j) {
      dense[at(i)][at(j)] = arrow.dense[at(i * 2 + j)] = i == j ? 30 : 1;
    }
    right[at(i)] = arrow.right[at(i)] = uniform(random);
  }
  for (Index g = 0; g < blocks; ++g) {
    for (Index c = 0; c < components; ++c) {
      right[index(c, g)] = arrow.right_of[at(g * 2 + c)] = uniform(random);
      for (Index i = 0; i < scales; ++i) {
        const double value = uniform(random);
        arrow.cross[at((g * 2 + c) * 2 + i)] = value;
        dense[at(i)][index(c, g)] = dense[index(c, g)][at(i)] = value;
      }
      for (Index k = 0; k < components; ++k) {
        const double value = c == k ? 4 : 0.5;
        arrow.block[at((g * 2 + c) * 2 + k)] = dense[index(c, g)][index(k, g)] = value;
      }
    }
  }
  const Values is = imaging::solve(arrow), wanted = eliminate(dense, right);
  for (std::size_t i = 0; i < at(n); ++i) EXPECT_NEAR(is[i], wanted[i], 1e-13);
}

/// A NewtonProblem of a made data set: the true sky's scale and the amplitudes.
class Newton : public ::testing::Test {
 protected:
  imaging::NewtonProblem problem(ImagingFixture& fixture, const ImagingData& data) {
    expectation_.resize(at(fixture.events().size()));
    fixture.response().forward_events(fixture.events(), {}, data.truth, expectation_);
    const imaging::Background& b = fixture.background();
    const std::size_t n = at(1 + b.amplitudes());
    Values total(n);
    for (std::size_t p = 0; p < data.truth.size(); ++p) {
      total[0] += data.truth[p] * fixture.exposure()[p];
    }
    for (Index c = 0; c < b.components; ++c) {
      for (Index t = 0; t < data.attitude.times; ++t) {
        total[at(1 + c * b.groups + b.group[at(t)])] += b.sum[at(c * data.attitude.times + t)];
      }
    }
    return {.events = fixture.events(),
            .background = b,
            .communicator = solo_,
            .counts = fixture.counts(),
            .scaled = {expectation_},
            .unit = Values(n - 1, 1.0),
            .total = total,
            .start = Values(n, 0.5),
            .low = Values(n, 1e-10),
            .high = Values(n, 1e300),
            .centre = Values(n, 1.0),
            .inverse_variance = Values(n, 0.0)};
  }
  Values expectation_;
  compute::SoloCommunicator solo_;
};

TEST_F(Newton, FindsScaleAndAmplitudesOfSeveralComponentsInFewSteps) {
  const ImagingData data = made_imaging({.groups = 4, .components = 2});
  ImagingFixture fixture(data);
  const imaging::NewtonResult is = imaging::maximise(problem(fixture, data));
  EXPECT_LE(is.iterations, 10);
  EXPECT_NEAR(is.parameters[0], 1, 0.1);
  const double truth[] = {1, 1.2, 0.8, 1};
  // Two components of one level: their mean is what the counts know well.
  for (std::size_t g = 0; g < 4; ++g) {
    EXPECT_NEAR((is.parameters[1 + g] + is.parameters[5 + g]) / 2, truth[g], 0.1);
  }
}

TEST_F(Newton, IsAtAMaximumAndIsLowerEverywhereAround) {
  const ImagingData data = made_imaging({.groups = 2, .components = 2});
  ImagingFixture fixture(data);
  imaging::NewtonProblem p = problem(fixture, data);
  const imaging::NewtonResult best = imaging::maximise(p);
  for (std::size_t i = 0; i < best.parameters.size(); ++i) {
    for (const double factor : {0.999, 1.001}) {
      imaging::NewtonProblem fixed = p;
      fixed.low[i] = fixed.high[i] = fixed.start[i] = factor * best.parameters[i];
      EXPECT_LT(imaging::maximise(fixed).value, best.value);
    }
  }
}

TEST_F(Newton, KeepsToItsBoxAndToItsPriors) {
  const ImagingData data = made_imaging({});
  ImagingFixture fixture(data);
  imaging::NewtonProblem p = problem(fixture, data);
  p.high[1] = 0.7;
  EXPECT_EQ(imaging::maximise(p).parameters[1], 0.7);
  p.high[0] = 0;  // below `low`: nothing but 0 is left
  EXPECT_EQ(imaging::maximise(p).parameters[0], 0);
  imaging::NewtonProblem certain = problem(fixture, data);
  certain.centre[1] = 3;
  certain.inverse_variance[1] = 1e12;
  EXPECT_NEAR(imaging::maximise(certain).parameters[1], 3, 1e-4);
}

TEST_F(Newton, SendsAGroupWithoutCountsToItsBoundAndLeavesTwinsFinite) {
  ImagingData data = made_imaging({.groups = 2, .components = 2});
  data.background[1] = data.background[0];  // nothing tells them apart
  std::fill_n(data.counts.begin(), data.counts.size() / 2, 0.0);
  ImagingFixture fixture(data);
  const imaging::NewtonResult is = imaging::maximise(problem(fixture, data));
  EXPECT_EQ(is.parameters[1], 1e-10);
  EXPECT_EQ(is.parameters[3], 1e-10);
  EXPECT_TRUE(std::isfinite(is.value));
  EXPECT_GT(is.parameters[2] + is.parameters[4], 0.5);
}

TEST(Smoothing, KeepsAConstantAndSpreadsAPointOverItsWidth) {
  const ImagingData data = made_imaging({});
  const imaging::SkyGeometry sky = sky_geometry(data);
  const imaging::Smoothing smoothing(sky, 40);
  Values flat(200, 3.0);
  smoothing.apply(flat);
  for (const double x : flat) EXPECT_NEAR(x, 3, 1e-13);

  Values point(200);
  const std::size_t centre = 5 * 20 + 9;  // on the equator
  point[centre] = 1;
  smoothing.apply(point);
  // 18 degrees away: exp(-18^2 / (2 sigma^2)), sigma = 40 / 2.3548.
  EXPECT_NEAR(point[centre + 1] / point[centre], std::exp(-0.5 * std::pow(18 / (40 / 2.35482), 2)),
              0.05);
  EXPECT_EQ(point[centre + 10], 0);
}

TEST(Smoothing, OfWidthZeroChangesNothing) {
  const imaging::SkyGeometry sky = sky_geometry(made_imaging({}));
  const imaging::Smoothing none(sky, 0);
  EXPECT_FALSE(none.active());
  Values values = {1, 2};
  none.apply(values);
  EXPECT_EQ(values, (Values{1, 2}));
}

TEST(Smoothing, TreatsEnergiesAlikeInEitherOrder) {
  const ImagingData data = made_imaging({});
  imaging::SkyGeometry sky = sky_geometry(data);
  const imaging::Smoothing one(sky, 30);
  Values low(200), high(200);
  for (std::size_t p = 0; p < 200; ++p) low[p] = static_cast<double>(p % 7), high[p] = p == 33;
  Values blocks = low, mixed;
  blocks.insert(blocks.end(), high.begin(), high.end());
  for (std::size_t p = 0; p < 200; ++p) mixed.push_back(low[p]), mixed.push_back(high[p]);
  sky.energies = 2;
  imaging::Smoothing(sky, 30).apply(blocks);
  sky.energy_fastest = true;
  imaging::Smoothing(sky, 30).apply(mixed);
  one.apply(low);
  one.apply(high);
  for (std::size_t p = 0; p < 200; ++p) {
    EXPECT_EQ(blocks[p], low[p]);
    EXPECT_EQ(blocks[200 + p], high[p]);
    EXPECT_EQ(mixed[2 * p], low[p]);
    EXPECT_EQ(mixed[2 * p + 1], high[p]);
  }
}

/// counts ln x - seen x + the prior's bound is highest where its derivative is 0.
TEST(SquaredVariationUpdate, IsTheMaximumOfItsBound) {
  const Values image = {2, 1, 3, 0, 2, 7}, back = {8, 2, 0, 1, 0, 1}, seen = {4, 4, 2, 1, 1, 0};
  const Values total = {4, 8, 4, 2, 1, 4}, square = {3, 1e9, 0.5, 0.5, 5, 1};
  const Values pull = {1, 4e9, 9, 3, 0.1, 5};
  Values next(6);
  imaging::for_each_index(6, imaging::SquaredVariationUpdate{{.image = in(image),
                                                              .back = in(back),
                                                              .sensitivity = in(seen),
                                                              .total = in(total),
                                                              .next = out(next)},
                                                             in(square),
                                                             in(pull)});
  for (std::size_t i = 0; i < 4; ++i) {
    const double w = seen[i] / total[i], counts = image[i] * back[i];
    EXPECT_NEAR(counts - (seen[i] - w * pull[i]) * next[i], 2 * w * square[i] * next[i] * next[i],
                1e-9 * (counts + w * square[i] * next[i] * next[i]));
    EXPECT_GT(next[i], 0);
  }
  EXPECT_EQ(next[4], 0);  // neither counts nor neighbours hold it up
  EXPECT_EQ(next[5], 7);  // not seen
}

TEST(EntropyUpdate, IsTheMaximumOfCountsAndEntropy) {
  const double reference = 2e-3;
  for (const double weight : {1e-9, 1e-2, 1.0, 1e3, 1e9}) {
    for (const double counts : {0.0, 1e-250, 1e-9, 0.3, 1e6}) {
      const Values image = {1, 1}, back = {counts, counts}, seen = {5, 0}, total = {10, 1};
      Values next(2);
      imaging::for_each_index(2, imaging::EntropyUpdate{{.image = in(image),
                                                         .back = in(back),
                                                         .sensitivity = in(seen),
                                                         .total = in(total),
                                                         .next = out(next)},
                                                        weight,
                                                        reference});
      EXPECT_EQ(next[1], 1);  // not seen
      ASSERT_TRUE(std::isfinite(next[0]));
      if (counts == 0 && weight <= 1e-2) {
        EXPECT_EQ(next[0], 0);  // e^(-seen / weight)
        continue;
      }
      const double x = next[0], pull = 0.5 * weight * std::log(x / reference);
      EXPECT_NEAR(counts / x, 5 + pull, 1e-11 * (5 + std::abs(pull) + weight)) << counts << weight;
    }
  }
}

}  // namespace
}  // namespace unfold::test
