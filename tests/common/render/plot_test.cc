#include "common/render/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace unfold::render {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

TEST(TicksTest, AreRoundAndInside) {
  EXPECT_THAT(ticks({0, 10}, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks({5760, 7620}, 4), ElementsAre(6000, 6500, 7000, 7500));
  EXPECT_THAT(ticks({-0.012, 0.031}, 5),
              ElementsAre(-0.01, DoubleNear(0, 1e-12), DoubleNear(0.01, 1e-12),
                          DoubleNear(0.02, 1e-12), DoubleNear(0.03, 1e-12)));
}

TEST(TicksTest, AnEmptyRangeHasNone) {
  EXPECT_TRUE(ticks({3, 3}, 5).empty());
  EXPECT_TRUE(ticks({0, std::nan("")}, 5).empty());
}

TEST(TickLabelTest, HasTheDecimalsThatTellNeighboursApart) {
  EXPECT_EQ(tick_label(2000, 500), "2000");
  EXPECT_EQ(tick_label(0.25, 0.05), "0.25");
  EXPECT_EQ(tick_label(-1e-17, 0.2), "0.0");
}

TEST(StretchTest, GoesFromZeroToOneAndBack) {
  const Stretch stretch = {.zero = 2, .soft = 5, .top = 1000};
  EXPECT_DOUBLE_EQ(stretch(2), 0);
  EXPECT_DOUBLE_EQ(stretch(1000), 1);
  EXPECT_NEAR(stretch.inverse(stretch(77)), 77, 1e-9);
}

TEST(StretchTest, MarksAreRoundElectronsThatDoNotCrowd) {
  const Stretch stretch = {.zero = 0, .soft = 10, .top = 5000};
  const std::vector<Mark> marks = stretched_marks(stretch, 0.1);
  ASSERT_GE(marks.size(), 5U);
  EXPECT_EQ(marks.front().label, "0");
  EXPECT_EQ(marks.back().label, "3000");
  for (std::size_t i = 1; i < marks.size(); ++i) EXPECT_GE(marks[i].at - marks[i - 1].at, 0.1);
  EXPECT_NEAR(stretch.inverse(marks.back().at), 3000, 1e-6);
}

TEST(PercentilesTest, LeaveOutWhatIsNotFinite) {
  std::vector<float> values = {std::nanf(""), INFINITY};
  for (int i = 0; i <= 100; ++i) values.push_back(static_cast<float>(100 - i));
  const Range range = percentiles(values, 0.1, 0.9);
  EXPECT_DOUBLE_EQ(range.low, 10);
  EXPECT_DOUBLE_EQ(range.high, 90);
  EXPECT_GT(percentiles({}, 0.1, 0.9).width(), 0);
}

double lightness(Colour c) { return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue; }

TEST(ColourTest, SequentialOnlyGetsDarker) {
  double before = 256;
  for (int k = 0; k <= 100; ++k) {
    const double now = lightness(sequential(k / 100.0));
    EXPECT_LT(now, before) << k;
    before = now;
  }
}

TEST(ColourTest, DivergingIsPaleInTheMiddleAndToldApartByBlue) {
  EXPECT_GT(lightness(diverging(0)), 250);
  EXPECT_GT(diverging(-0.5).blue, diverging(-0.5).red);
  EXPECT_LT(diverging(0.5).blue, diverging(0.5).red);
}

TEST(AxesTest, PixelsAndDataAreInverse) {
  const Axes axes = {{100, 50, 400, 200}, {6000, 6400}, {-5, 15}};
  EXPECT_DOUBLE_EQ(axes.pixel_x(6000), 100);
  EXPECT_DOUBLE_EQ(axes.pixel_y(-5), 250);
  EXPECT_DOUBLE_EQ(axes.data_x(axes.pixel_x(6123)), 6123);
  EXPECT_DOUBLE_EQ(axes.data_y(axes.pixel_y(7)), 7);
}

}  // namespace
}  // namespace unfold::render
