#include "common/render/sky_map.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/render/plot.h"
#include "common/simulate/random.h"
#include "tests/common/render/png_file.h"
#include "tests/support/scratch_folder.h"

namespace unfold::render {
namespace {

using Seen = std::tuple<int, int, int>;

Seen seen(Colour colour) { return {colour.red, colour.green, colour.blue}; }

PngFile reread(const std::string& bytes) {
  const test::ScratchFolder folder;
  test::write_text(folder / "map.png", bytes);
  return read_png((folder / "map.png").string());
}

std::vector<double> with_one_pixel(const sky::Grid& grid, double l, double b) {
  std::vector<double> map(grid.l_deg.size());
  map[static_cast<std::size_t>(sky::pixel_of(grid, l, b))] = 3e-3;
  return map;
}

/// Where the thumbnail shows a direction.
std::pair<int, int> place(double l, double b) {
  return {static_cast<int>((180 - l) / 360 * 320), static_cast<int>((90 - b) / 180 * 160)};
}

TEST(Thumbnail, PutsPositiveLongitudesLeftAndNorthUp) {
  for (const sky::Grid& grid : {sky::regular_grid(6), sky::healpix_grid(8, false)}) {
    const PngFile png = reread(thumbnail(grid, with_one_pixel(grid, 60, 33)));
    ASSERT_EQ(png.width, 320);
    ASSERT_EQ(png.height, 160);
    const auto [x, y] = place(60, 33);
    EXPECT_EQ(png.at(x, y), seen(sequential(1)));
    const auto [mirrored, same] = place(-60, 33);
    EXPECT_EQ(png.at(mirrored, same), seen(sequential(0)));
    const auto [under, below] = place(60, -33);
    EXPECT_EQ(png.at(under, below), seen(sequential(0)));
  }
}

TEST(Thumbnail, StaysUnder64KiBForNoiseAndForNothing) {
  const sky::Grid grid = sky::healpix_grid(128, true);
  std::vector<double> map(grid.l_deg.size());
  simulate::Random random(1, 0);
  for (double& value : map) value = random.uniform();
  const std::string noise = thumbnail(grid, map);
  EXPECT_GT(noise.size(), 20000u);
  EXPECT_LE(noise.size(), 65536u);
  const std::string flat = thumbnail(grid, std::vector<double>(map.size()));
  EXPECT_GT(flat.size(), 0u);
  EXPECT_LT(flat.size(), 2000u);
}

TEST(Thumbnail, PixelsThatAreNotSeenOrNotFiniteAreGrey) {
  const sky::Grid grid = sky::regular_grid(18);
  std::vector<double> map(grid.l_deg.size(), 1);
  std::vector<double> exposure(map.size(), 1);
  exposure[static_cast<std::size_t>(sky::pixel_of(grid, 45, 45))] = 0;
  map[static_cast<std::size_t>(sky::pixel_of(grid, -45, 45))] =
      std::numeric_limits<double>::quiet_NaN();
  const PngFile png = reread(thumbnail(grid, map, exposure));
  const auto at = [&](double l, double b) {
    const auto [x, y] = place(l, b);
    return png.at(x, y);
  };
  EXPECT_EQ(at(45, 45), at(-45, 45));
  EXPECT_NE(at(45, 45), at(0, 0));
  EXPECT_EQ(at(0, 0), seen(sequential(1)));
}

TEST(Thumbnail, ABrightPixelThatIsHardlyExposedDoesNotHideTheRest) {
  const sky::Grid grid = sky::regular_grid(18);
  std::vector<double> map = with_one_pixel(grid, 60, 33);
  std::vector<double> exposure(map.size(), 1);
  const auto junk = static_cast<std::size_t>(sky::pixel_of(grid, -60, 33));
  map[junk] = 10;
  exposure[junk] = 0.05;
  const PngFile png = reread(thumbnail(grid, map, exposure));
  const auto [x, y] = place(60, 33);
  EXPECT_EQ(png.at(x, y), seen(sequential(1)));
  const auto [far, same] = place(-60, 33);
  EXPECT_EQ(png.at(far, same), seen(sequential(1)));
  const PngFile without = reread(thumbnail(grid, map));
  EXPECT_NE(without.at(x, y), seen(sequential(1)));
}

TEST(SkyMap, HasTheMapAColourBarAndItsRegions) {
  const test::ScratchFolder folder;
  const sky::Grid grid = sky::regular_grid(6);
  SkyMapOptions options;
  options.title = "a title";
  options.unit = "cm-2 s-1 sr-1";
  const auto shown = [&](const char* name) {
    const std::string path = (folder / name).string();
    EXPECT_TRUE(draw_sky_map(grid, with_one_pixel(grid, 60, 33), options).write_png(path).ok());
    return read_png(path);
  };
  const PngFile plain = shown("plain.png");
  EXPECT_EQ(plain.width, 1200);
  EXPECT_EQ(plain.height, 56 + 477 + 76);
  EXPECT_GT(plain.count(seen(sequential(1))), 100);
  EXPECT_EQ(plain.count(seen(kOrange)), 0);
  EXPECT_GT(plain.colours(), 200u);
  options.circles = {{"near the edge", 175, 10, 12}, {"pole", 0, 85, 10}};
  EXPECT_GT(shown("circles.png").count(seen(kOrange)), 500);
}

TEST(SkyMap, PixelsThatWereHardlySeenAreHatched) {
  const test::ScratchFolder folder;
  const sky::Grid grid = sky::regular_grid(18);
  const std::vector<double> map(grid.l_deg.size(), 1);
  std::vector<double> exposure(map.size(), 1);
  SkyMapOptions options{.width = 800, .exposure = exposure};
  const auto shown = [&](const char* name) {
    const std::string path = (folder / name).string();
    EXPECT_TRUE(draw_sky_map(grid, map, options).write_png(path).ok());
    return read_png(path);
  };
  const int all = shown("plain.png").count(seen(sequential(1)));
  exposure[static_cast<std::size_t>(sky::pixel_of(grid, -60, 9))] = 0.05;
  // A third of one of 200 pixels, within the picture's rounding.
  const int hatched = all - shown("hatched.png").count(seen(sequential(1)));
  EXPECT_NEAR(hatched, all / 600, all / 2000);
  options.hatch = false;
  EXPECT_EQ(shown("not.png").count(seen(sequential(1))), all);
}

}  // namespace
}  // namespace unfold::render
