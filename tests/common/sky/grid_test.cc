#include "common/sky/grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

namespace unfold::sky {
namespace {

std::vector<Grid> grids() {
  return {regular_grid(6),       regular_grid(18),       regular_grid(0.5),
          healpix_grid(1, true), healpix_grid(8, false), healpix_grid(8, true)};
}

TEST(Grid, SolidAnglesSumToTheWholeSphere) {
  for (const Grid& grid : grids()) {
    const double sum = std::accumulate(grid.solid_angle.begin(), grid.solid_angle.end(), 0.);
    EXPECT_NEAR(sum, 4 * std::numbers::pi, 1e-10);
  }
}

TEST(Grid, EveryCentreLiesInItsPixelAndDirectionsAreUnitVectors) {
  for (const Grid& grid : grids()) {
    const std::vector<double> s = directions(grid);
    for (std::int64_t p = 0; p < grid.pixels(); ++p) {
      const auto i = static_cast<std::size_t>(p);
      ASSERT_EQ(pixel_of(grid, grid.l_deg[i], grid.b_deg[i]), p);
      ASSERT_NEAR(std::hypot(s[3 * i], s[3 * i + 1], s[3 * i + 2]), 1, 1e-14);
    }
  }
}

TEST(Grid, NeighboursAreNeighboursOfEachOther) {
  for (const Grid& grid : grids()) {
    const std::vector<std::int32_t> near = neighbours(grid);
    ASSERT_EQ(near.size(), grid.l_deg.size() * 8);
    for (std::size_t i = 0; i < near.size(); ++i) {
      if (near[i] < 0) continue;
      const auto from = near.begin() + 8 * static_cast<std::ptrdiff_t>(near[i]);
      ASSERT_NE(std::find(from, from + 8, static_cast<std::int32_t>(i / 8)), from + 8) << i;
    }
  }
}

TEST(Grid, RegularNeighboursWrapInLongitudeAndEndAtThePoles) {
  const Grid grid = regular_grid(6);
  const std::vector<std::int32_t> near = neighbours(grid);
  const auto has = [&](std::size_t pixel, std::int32_t other) {
    return std::count(near.begin() + static_cast<long>(8 * pixel),
                      near.begin() + static_cast<long>(8 * pixel + 8), other);
  };
  EXPECT_EQ(has(15 * 60, 15 * 60 + 59), 1);
  EXPECT_EQ(has(15 * 60, 16 * 60 + 59), 1);
  EXPECT_EQ(has(0, -1), 3);
  EXPECT_EQ(has(29 * 60 + 7, -1), 3);
}

TEST(Grid, RegularPixelsGoFromTheSouthAndFromTheAnticentre) {
  const Grid grid = regular_grid(6);
  EXPECT_EQ(grid.nl, 60);
  EXPECT_EQ(grid.nb, 30);
  EXPECT_DOUBLE_EQ(grid.l_deg[0], -177);
  EXPECT_DOUBLE_EQ(grid.b_deg[0], -87);
  EXPECT_EQ(pixel_of(grid, -10, -10), pixel_of(grid, 350, -10));
  EXPECT_EQ(pixel_of(grid, -10, -10), 13 * 60 + 28);
  EXPECT_EQ(pixel_of(grid, 180, 90), 29 * 60);
}

TEST(Grid, RefusesPixelsThatDoNotTileTheSphere) {
  EXPECT_THROW(regular_grid(7), std::invalid_argument);
  EXPECT_THROW(regular_grid(0), std::invalid_argument);
  EXPECT_THROW(regular_grid(std::nan("")), std::invalid_argument);
  EXPECT_THROW(healpix_grid(3, false), std::invalid_argument);
  EXPECT_THROW(healpix_grid(2048, false), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::sky
