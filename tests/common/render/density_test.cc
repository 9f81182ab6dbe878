#include "common/render/density.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/render/plot.h"
#include "common/simulate/random.h"
#include "tests/common/render/png_file.h"
#include "tests/support/scratch_folder.h"

namespace unfold::render {
namespace {

constexpr std::int64_t kGrid = 31;

std::vector<double> empty_cube(std::int64_t grid = kGrid) {
  return std::vector<double>(static_cast<std::size_t>(grid * grid * grid), 0.0);
}
double& at(std::vector<double>& cube, std::int64_t x, std::int64_t y, std::int64_t z) {
  return cube[static_cast<std::size_t>(((x + kGrid / 2) * kGrid + y + kGrid / 2) * kGrid + z +
                                       kGrid / 2)];
}

PngFile drawn(const Canvas& canvas) {
  const test::ScratchFolder folder;
  EXPECT_TRUE(canvas.write_png((folder / "x.png").string()).ok());
  return read_png((folder / "x.png").string());
}

PngFile thumbnail_of(std::int64_t grid, const std::vector<double>& density) {
  const test::ScratchFolder folder;
  const std::string bytes = density_thumbnail(grid, density);
  EXPECT_LE(bytes.size(), 65536u);
  test::write_text(folder / "t.png", bytes);
  return read_png((folder / "t.png").string());
}

/// The centre of what is darker than the middle of the scale, in part `part` of a thumbnail, from
/// its middle; y upward.
std::pair<double, double> dark_centre(const PngFile& png, int part) {
  double x_sum = 0, y_sum = 0, n = 0;
  for (int y = 0; y < 110; ++y) {
    for (int x = 0; x < 110; ++x) {
      if (std::get<0>(png.at(part * 110 + x, y)) > 90) continue;
      x_sum += x - 54.5;
      y_sum += 54.5 - y;
      ++n;
    }
  }
  return {x_sum / n, y_sum / n};
}

TEST(DensityPictureTest, SlicesShowXToTheRightAndTheOtherAxisUpward) {
  std::vector<double> cube = empty_cube();
  at(cube, 6, 0, 0) = 1;
  at(cube, 0, 4, 0) = 1;
  at(cube, 0, 0, -8) = 1;
  const PngFile png = thumbnail_of(kGrid, cube);
  ASSERT_EQ(png.width, 330);
  ASSERT_EQ(png.height, 110);
  const auto [x0, y0] = dark_centre(png, 0);  // x and y: (6, 0) and (0, 4)
  EXPECT_GT(x0, 8);
  EXPECT_GT(y0, 5);
  const auto [x1, y1] = dark_centre(png, 1);  // x and z: (6, 0) and (0, -8)
  EXPECT_GT(x1, 8);
  EXPECT_LT(y1, -10);
  const auto [x2, y2] = dark_centre(png, 2);  // y and z
  EXPECT_GT(x2, 5);
  EXPECT_LT(y2, -10);
}

TEST(DensityPictureTest, ASmallParticleIsEnlarged) {
  std::vector<double> small = empty_cube();
  at(small, 0, 0, 0) = 1;
  std::vector<double> large = small;
  at(large, 13, 0, 0) = 1;
  const auto white = [](const PngFile& png) { return png.count({255, 255, 255}); };
  EXPECT_LT(white(thumbnail_of(kGrid, small)), white(thumbnail_of(kGrid, large)));
}

TEST(DensityPictureTest, NoiseFitsAPreviewAndNothingIsDrawnOfNothing) {
  simulate::Random random(1, 1);
  std::vector<double> noise = empty_cube(161);
  for (double& value : noise) value = random.uniform();
  EXPECT_GT(thumbnail_of(161, noise).colours(), 100u);
  EXPECT_EQ(thumbnail_of(kGrid, empty_cube()).colours(), 1u);
  std::vector<double> bad = empty_cube();
  at(bad, 0, 0, 0) = std::numeric_limits<double>::quiet_NaN();
  at(bad, 1, 0, 0) = std::numeric_limits<double>::infinity();
  at(bad, 2, 0, 0) = -1;
  EXPECT_EQ(thumbnail_of(kGrid, bad).colours(), 1u);
  EXPECT_EQ(thumbnail_of(1, {0.5}).width, 330);
}

TEST(DensityPictureTest, APictureHasItsWidthAndAScale) {
  std::vector<double> cube = empty_cube();
  at(cube, 3, 2, 1) = 5;
  at(cube, 0, 0, 0) = 5;
  const PngFile png = drawn(draw_slices({kGrid, 4.5, cube}, 1200, "title"));
  EXPECT_EQ(png.width, 1200);
  EXPECT_GT(png.height, 350);
  EXPECT_GT(png.count({38, 42, 48}), 500);
}

TEST(ShellCurveTest, CurvesAreDrawnInTheirColours) {
  const std::vector<ShellCurve> curves = {{"one", {1, 0.9, 0.6, 0.2, 0.1}, kBlue, 3},
                                          {"other", {1, 0.5, 0.2, 0.1, 0}, kOrange, 2}};
  const PngFile png = drawn(draw_shells(curves, 0.025, 0.1, 1000, "title"));
  EXPECT_GT(png.count({kBlue.red, kBlue.green, kBlue.blue}), 500);
  EXPECT_GT(png.count({kOrange.red, kOrange.green, kOrange.blue}), 500);
  const PngFile none = drawn(draw_shells({}, 0.025, 0.1, 1000, "title"));
  EXPECT_EQ(none.count({kBlue.red, kBlue.green, kBlue.blue}), 0);
}

}  // namespace
}  // namespace unfold::render
