#include "workers/kernels/spi/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace unfold::spi {
namespace {

const Scale kSmall{.qlimit = 0.0787, .diameter = 83, .total = 1000};
const Scale kLarge{.qlimit = 0.0787, .diameter = 400, .total = 1000};

Generation made(double gain, double turned_degrees) {
  Generation g;
  g.gain = gain;
  g.median_change_degrees = turned_degrees;
  return g;
}

TEST(SpiSchedule, ClimbsInResolutionThenInAngle) {
  for (const Scale& scale : {kSmall, kLarge}) {
    const auto rungs = climb(scale, RunOptions{});
    EXPECT_EQ(rungs.front().stage, Stage::kCoarse);
    EXPECT_EQ(rungs.back().stage, Stage::kLocal);
    EXPECT_DOUBLE_EQ(rungs.back().qlimit, scale.qlimit);
    for (std::size_t i = 1; i < rungs.size(); ++i) {
      EXPECT_GE(rungs[i].qlimit, rungs[i - 1].qlimit);
      EXPECT_LT(rungs[i].spacing, rungs[i - 1].spacing);
    }
  }
  EXPECT_GT(climb(kLarge, RunOptions{}).size(), climb(kSmall, RunOptions{}).size());
}

TEST(SpiSchedule, FirstReferencesDependOnSpecklesAndNotOnTheDetector) {
  const double small = climb(kSmall, RunOptions{}).front().spacing;
  EXPECT_NEAR(climb(kLarge, RunOptions{}).front().spacing, small, 0.2 * small);
  RunOptions asked;
  asked.coarse_references = 500;
  EXPECT_DOUBLE_EQ(climb(kLarge, asked).front().spacing, spacing_of(500));
}

TEST(SpiSchedule, StaysOnARungUntilGainAndOrientationsSettle) {
  const auto rungs = climb(kSmall, RunOptions{});
  const double half = rungs[0].spacing * 90 / M_PI;
  const Place place{.since = 5};
  const std::vector<Generation> grows = {made(10, half), made(20, half)};
  const std::vector<Generation> turns = {made(20, 90), made(20, 90)};
  const std::vector<Generation> rests = {made(20, half), made(20, half)};
  EXPECT_EQ(next_place(place, rungs, grows, 0, 60).rung, 0);
  EXPECT_EQ(next_place(place, rungs, turns, 0, 60).rung, 0);
  EXPECT_EQ(next_place(place, rungs, rests, 0, 60).rung, 1);
}

TEST(SpiSchedule, HandsOverBeforeTheGenerationsEndThoughNothingSettles) {
  const auto rungs = climb(kSmall, RunOptions{});
  const std::vector<Generation> turns(19, made(20, 90));
  EXPECT_EQ(next_place({.since = 19}, rungs, turns, 0, 20).rung, 1);
}

Place finished(double moved, int& refreshes) {
  const auto rungs = climb(kSmall, RunOptions{});
  const std::vector<Generation> history(10, made(20, 1));
  Place place{.rung = static_cast<Index>(rungs.size()) - 1};
  for (int generation = 0; generation < 30 && !place.done; ++generation) {
    place = next_place(place, rungs, history, moved, 60);
    refreshes += place.refresh;
  }
  return place;
}

TEST(SpiSchedule, EndsWithTheFirstGlobalPassThatMovesNoFrame) {
  int refreshes = 0;
  const Place place = finished(0, refreshes);
  EXPECT_TRUE(place.done);
  EXPECT_TRUE(place.converged);
  EXPECT_EQ(refreshes, 1);
}

TEST(SpiSchedule, FramesThatNeverRestEndARunWithoutConvergence) {
  int refreshes = 0;
  const Place place = finished(0.5, refreshes);
  EXPECT_TRUE(place.done);
  EXPECT_FALSE(place.converged);
  EXPECT_GT(refreshes, 1);
}

TEST(SpiSchedule, TemperatureFallsToOne) {
  double before = 0;
  for (int number = 0; number < 40; ++number) {
    const double beta = beta_of(kSmall, RunOptions{}, number);
    EXPECT_GE(beta, before);
    before = beta;
  }
  EXPECT_DOUBLE_EQ(before, 1);
}

TEST(SpiSchedule, IntensitiesAreAnnealedTheSameInAnyUnit) {
  Scale clean = kSmall, bright = kSmall;
  clean.counts = bright.counts = false;
  bright.total = 1e9;
  EXPECT_NEAR(beta_of(clean, RunOptions{}, 3) * clean.total,
              beta_of(bright, RunOptions{}, 3) * bright.total, 1e-9);
}

TEST(SpiSchedule, LocalTurnsStartWithNoneAndReachAsFarAsAsked) {
  const auto turns = local_turns(0.1, 300, 1, 2);
  EXPECT_EQ(turns.front(), (Quaternion{1, 0, 0, 0}));
  double square = 0;
  for (const Quaternion& turn : turns) square += std::pow(angle_between(turns.front(), turn), 2);
  EXPECT_NEAR(std::sqrt(square / 300), 0.1 * std::sqrt(3.0), 0.02);
  EXPECT_NE(turns[1], local_turns(0.1, 300, 1, 3)[1]);
}

}  // namespace
}  // namespace unfold::spi
