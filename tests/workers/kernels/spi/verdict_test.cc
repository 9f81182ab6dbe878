#include "workers/kernels/spi/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unfold::test {
namespace {

using spi::judge;
using spi::Signs;
using spi::Verdict;
using testing::IsEmpty;
using testing::SizeIs;

Signs good_signs() {
  Signs signs;
  signs.halves = true;
  signs.agreeing_shells = 14;
  signs.expected_correlation = 0.9;
  signs.held_out[0] = signs.held_out[1] = {20.0, 1.0};
  signs.entropy = 0.3;
  return signs;
}

TEST(VerdictTest, GoodSignsConvergeWithoutAReason) {
  const auto judgement = judge(good_signs());
  EXPECT_EQ(judgement.verdict, Verdict::kConverged);
  EXPECT_THAT(judgement.reasons, IsEmpty());
}

TEST(VerdictTest, HalvesThatAgreeByChanceOnlyFail) {
  Signs signs = good_signs();
  signs.agreeing_shells = 3;
  EXPECT_EQ(judge(signs).verdict, Verdict::kFailed);
  EXPECT_THAT(judge(signs).reasons, SizeIs(1));
}

TEST(VerdictTest, HalvesThatAgreeInFewShellsAreAmbiguous) {
  Signs signs = good_signs();
  signs.agreeing_shells = 5;
  EXPECT_EQ(judge(signs).verdict, Verdict::kAmbiguous);
}

TEST(VerdictTest, AMapWithMuchThatItsHalvesDoNotBearOutIsAmbiguous) {
  Signs signs = good_signs();
  signs.agreeing_shells = 7;
  signs.expected_correlation = 0.66;
  const auto judgement = judge(signs);
  EXPECT_EQ(judgement.verdict, Verdict::kAmbiguous);
  ASSERT_THAT(judgement.reasons, SizeIs(1));
  EXPECT_THAT(judgement.reasons[0], testing::HasSubstr("0.66"));
  signs.expected_correlation = 0.75;
  EXPECT_EQ(judge(signs).verdict, Verdict::kConverged);
}

TEST(VerdictTest, AMapThatPredictsNoNewFrameFails) {
  for (const int half : {0, 1}) {
    Signs signs = good_signs();
    signs.held_out[half] = {2.0, 1.0};
    EXPECT_EQ(judge(signs).verdict, Verdict::kFailed);
  }
}

TEST(VerdictTest, UndeterminedOrientationsFewHitsOrAnEarlyEndAreAmbiguous) {
  Signs spread = good_signs(), early = good_signs(), empty = good_signs();
  empty.hits = 0.3;
  EXPECT_EQ(judge(empty).verdict, Verdict::kAmbiguous);
  spread.entropy = 0.95;
  early.finished = false;
  EXPECT_EQ(judge(spread).verdict, Verdict::kAmbiguous);
  EXPECT_EQ(judge(early).verdict, Verdict::kAmbiguous);
}

TEST(VerdictTest, WithoutHalvesNothingConverges) {
  Signs signs = good_signs();
  signs.halves = false;
  EXPECT_EQ(judge(signs).verdict, Verdict::kAmbiguous);
  EXPECT_THAT(judge(signs).reasons, SizeIs(1));
}

TEST(VerdictTest, AStartFarBelowTheOtherHalfsIsTrapped) {
  const spi::Gain sound{213.0, 1.0};
  EXPECT_TRUE(spi::trapped({198.0, 1.0}, sound));
  EXPECT_FALSE(spi::trapped({211.0, 0.1}, sound));         // differs, but as sound starts do
  EXPECT_FALSE(spi::trapped({198.0, 5.0}, {213.0, 5.0}));  // within what the frames scatter
  EXPECT_FALSE(spi::trapped(sound, {198.0, 1.0}));
}

}  // namespace
}  // namespace unfold::test
