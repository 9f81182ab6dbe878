#include "common/sky/exposure.h"

#include <gtest/gtest.h>

#include <numbers>

namespace unfold::sky {
namespace {

class ExposureTest : public ::testing::Test {
 protected:
  std::size_t at(double l, double b) const {
    return static_cast<std::size_t>(pixel_of(grid_, l, b));
  }
  /// The same for every direction: in proportion to the pixels' areas.
  std::vector<double> even() const {
    std::vector<double> out = grid_.solid_angle;
    for (double& value : out) value *= 1e5;
    return out;
  }
  const Grid grid_ = regular_grid(18);
};

TEST_F(ExposureTest, IsJudgedPerSolidAngle) {
  std::vector<double> exposure = even();  // the polar pixels' is below 10 % of the equator's
  ASSERT_LT(exposure[at(9, 81)], 0.2 * exposure[at(9, 9)]);
  exposure[at(9, 81)] *= 0.5;
  exposure[at(-45, 9)] *= 0.09;
  const std::vector<std::uint8_t> well = well_exposed(exposure_per_area(grid_, exposure));
  for (std::size_t p = 0; p < well.size(); ++p) EXPECT_EQ(well[p], p != at(-45, 9)) << p;
  EXPECT_NEAR(exposure_per_area(grid_, exposure)[at(9, 81)], 5e4, 1e-6);
}

TEST_F(ExposureTest, APixelThatWasHardlySeenIsNoPeakButCountsAsFlux) {
  std::vector<double> exposure = even();
  exposure[at(-45, 9)] *= 1e-4;
  std::vector<double> map(exposure.size(), 1e-3);
  map[at(-45, 9)] = 5;
  map[at(99, -27)] = 0.2;
  const Brightness found = brightness_of(grid_, map, exposure);
  EXPECT_EQ(found.peak, static_cast<std::int64_t>(at(99, -27)));
  EXPECT_EQ(found.peak_intensity, 0.2);
  const double junk = 5 * grid_.solid_angle[at(-45, 9)];
  EXPECT_NEAR(found.flux - found.flux_well_exposed, junk, 1e-12);
}

TEST_F(ExposureTest, EnergiesAreTakenTogether) {
  std::vector<double> exposure = even();
  const std::vector<double> more = exposure;
  exposure.insert(exposure.end(), more.begin(), more.end());
  std::vector<double> map(exposure.size(), 0.5);
  EXPECT_NEAR(brightness_of(grid_, map, exposure).flux, 4 * std::numbers::pi, 1e-9);
  EXPECT_NEAR(exposure_per_area(grid_, exposure)[at(0, 0)], 1e5, 1e-6);
}

TEST_F(ExposureTest, WithoutAnyEveryPixelCounts) {
  std::vector<double> map(grid_.solid_angle.size());
  map[at(9, 9)] = 1;
  for (const std::vector<double>& none : {std::vector<double>(), std::vector<double>(map.size())}) {
    EXPECT_EQ(brightness_of(grid_, map, none).peak, static_cast<std::int64_t>(at(9, 9)));
  }
}

}  // namespace
}  // namespace unfold::sky
