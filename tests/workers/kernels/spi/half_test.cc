#include "workers/kernels/spi/device/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace unfold::spi {
namespace {

TEST(HalfTest, GoesToTheNearestAndInATieToTheEvenOne) {
  for (std::uint16_t half = 0; half < 0x7bff; ++half) {
    const float here = float_of(half), next = float_of(static_cast<std::uint16_t>(half + 1));
    ASSERT_LT(here, next);
    ASSERT_EQ(half_of(here), half);
    ASSERT_EQ(half_of(-here), half | 0x8000);
    const float middle = (here + next) / 2;
    ASSERT_EQ(half_of(middle), half % 2 == 0 ? half : half + 1);
    ASSERT_EQ(half_of(std::nextafter(middle, 0.0f)), half);
    ASSERT_EQ(half_of(std::nextafter(middle, next)), half + 1);
  }
}

TEST(HalfTest, StandsForItsFormat) {
  EXPECT_EQ(float_of(0x3c00), 1.0f);
  EXPECT_EQ(float_of(0xc000), -2.0f);
  EXPECT_EQ(float_of(0x0001), 0x1p-24f);
  EXPECT_EQ(float_of(0x7bff), kLargestHalf);
  EXPECT_EQ(half_of(1e9f), 0x7bff);
  EXPECT_EQ(half_of(-1e9f), 0xfbff);
}

TEST(HalfTest, ScalesToWhereCountsUpTo2048AreExact) {
  for (const float largest : {1e-25f, 1e-3f, 1.0f, 1000.0f, 65535.0f, 1e25f}) {
    const float scaled = half_scale(largest) * largest;
    EXPECT_GE(scaled, 2048) << largest;
    EXPECT_LT(scaled, 4096) << largest;
    EXPECT_EQ(std::exp2(std::round(std::log2(half_scale(largest)))), half_scale(largest));
  }
  EXPECT_EQ(half_scale(0), 1);
}

}  // namespace
}  // namespace unfold::spi
