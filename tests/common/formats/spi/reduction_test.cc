#include "common/formats/spi/reduction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/common/formats/spi/patterns.h"
#include "tests/support/scratch_folder.h"

namespace unfold::spi_data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Reduction, ClippingKeepsTheMiddleAndBinningSums) {
  const auto map = pixel_map({1, 4, 8}, {.clip = 1, .bin = 1});
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_THAT(map->shape, ElementsAre(1, 1, 2));
  // Rows 1, 2 and columns 2 .. 5 are kept.
  EXPECT_THAT(map->to, ElementsAre(-1, -1, -1, -1, -1, -1, -1, -1,  //
                                   -1, -1, 0, 0, 1, 1, -1, -1,      //
                                   -1, -1, 0, 0, 1, 1, -1, -1,      //
                                   -1, -1, -1, -1, -1, -1, -1, -1));
}

TEST(Reduction, PanelsStayApart) {
  const auto map = pixel_map({2, 2, 2}, {.clip = 0, .bin = 1});
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_THAT(map->to, ElementsAre(0, 0, 0, 0, 1, 1, 1, 1));
}

TEST(Reduction, WhatTheRowsDoNotAllowIsRefused) {
  for (const auto& [reduction, why] :
       {std::pair<Reduction, std::string>{{.clip = 3, .bin = 0}, "too few for clip 3"},
        {{.clip = 0, .bin = 3}, "no multiple of 2^bin = 8"},
        {{.clip = -1, .bin = 0}, "-1 is not from 0"},
        {{.clip = 0, .bin = 40}, "40 is not from 0"}}) {
    const absl::Status status = check_reduction({1, 4, 6}, reduction);
    EXPECT_EQ(reason_of(status), "BAD_REDUCTION");
    EXPECT_THAT(status.message(), HasSubstr(why));
  }
}

TEST(Reduction, TheDetectorIsAveragedAndABadPixelSpoilsItsSum) {
  Detector detector = test::small_detector(4, 6);
  detector.mask[1] = kBad;
  detector.mask[2] = kMergeOnly;
  const auto half = reduced(detector, {.clip = 0, .bin = 1});
  ASSERT_TRUE(half.ok()) << half.status();
  EXPECT_THAT(half->shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(half->mask, ElementsAre(kBad, kMergeOnly, kGood, kGood, kGood, kGood));
  EXPECT_THAT(half->picture, ElementsAre(0, 0, 0, 1, 0, 2, 1, 0, 1, 1, 1, 2));
  for (std::size_t k = 0; k < 3; ++k) {
    const double mean =
        (detector.q[k] + detector.q[3 + k] + detector.q[18 + k] + detector.q[21 + k]) / 4;
    EXPECT_NEAR(half->q[k], mean, 1e-15);
  }
  EXPECT_EQ(*std::max_element(half->correction.begin(), half->correction.end()), 1.0F);
  EXPECT_LT(half->correction[0], half->correction[1]);
}

TEST(Reduction, CountsAreSummed) {
  const test::ScratchFolder folder;
  const std::string path = (folder / "a.h5").string();
  PatternParts parts = test::small_patterns(3, 4, 4);
  parts.detector.mask[0] = kBad;
  ASSERT_TRUE(write_cspi(path, parts).ok());
  const auto source = open_patterns({.data = {{path, "a.h5"}}});
  ASSERT_TRUE(source.ok()) << source.status();
  const auto read = load(**source, {.reduction = {.clip = 0, .bin = 1}});
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->counts.size(), 12u);
  for (std::size_t f = 0; f < 3; ++f) {
    const std::uint16_t* frame = parts.counts.data() + 16 * f;
    EXPECT_EQ(read->counts[4 * f], 0);
    EXPECT_EQ(read->counts[4 * f + 1], frame[2] + frame[3] + frame[6] + frame[7]);
  }
}

}  // namespace
}  // namespace unfold::spi_data
