#include "common/render/draw_density.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/base/error.h"
#include "common/formats/spi/pattern_file.h"
#include "common/render/plot.h"
#include "tests/common/render/png_file.h"
#include "tests/support/scratch_folder.h"

namespace unfold::render {
namespace {

std::tuple<int, int, int> seen(Colour c) { return {c.red, c.green, c.blue}; }

spi_data::DensityFile some_density() {
  spi_data::DensityFile file;
  file.grid = 9;
  file.qmax = 0.1;
  file.maps.resize(1);
  file.maps[0].density.assign(729, 0);
  file.maps[0].density[364] = 2;
  file.maps[0].fsc = {1, 0.9, 0.7, 0.3, 0.1};
  file.maps[0].resolution = 12;
  file.orientations.assign(3, {1, 0, 0, 0});
  file.verdict = "converged";
  return file;
}

class DrawDensityTest : public testing::Test {
 protected:
  PngFile drawn(const Canvas& canvas) {
    EXPECT_TRUE(canvas.write_png((folder_ / "x.png").string()).ok());
    return read_png((folder_ / "x.png").string());
  }
  std::string path(const std::string& name) { return (folder_ / name).string(); }
  const test::ScratchFolder folder_;
};

TEST_F(DrawDensityTest, EveryPartThatTheDensityHasIsDrawn) {
  spi_data::DensityFile file = some_density();
  const PngFile plain = drawn(draw_density(file, {}));
  EXPECT_EQ(plain.width, 1400);
  EXPECT_EQ(plain.count(seen(kOrange)), 0);
  file.maps[0].reference_fsc = {1, 1, 0.9, 0.8, 0.7};
  EXPECT_GT(drawn(draw_density(file, {})).count(seen(kOrange)), 300);
  file.reasons = {"one", "two"};
  EXPECT_GT(drawn(draw_density(file, {})).height, plain.height);
  file.maps.push_back(file.maps[0]);
  EXPECT_GT(drawn(draw_density(file, {})).height, 2 * plain.height - 100);
  spi_data::DensityFile bare = some_density();
  bare.maps[0].fsc.clear();
  EXPECT_LT(drawn(draw_density(bare, {})).height, plain.height - 300);
}

TEST_F(DrawDensityTest, TheVerdictsColourIsNotThatOfAnother) {
  spi_data::DensityFile file = some_density();
  file.maps[0].fsc.clear();
  file.verdict = "ambiguous";
  EXPECT_GT(drawn(draw_density(file, {})).count(seen(kOrange)), 100);
  file.verdict = "failed";
  EXPECT_GT(drawn(draw_density(file, {})).count(seen(kPurple)), 100);
}

TEST_F(DrawDensityTest, DensityAndMrcFilesAreViewed) {
  const spi_data::DensityFile file = some_density();
  ASSERT_TRUE(spi_data::write_density(path("d.h5"), file).ok());
  const absl::StatusOr<Viewed> density = view(path("d.h5"), path("d.png"), {});
  ASSERT_TRUE(density.ok()) << density.status();
  EXPECT_EQ(density->kind, "density");
  spi_data::Volume volume = spi_data::centred_volume(9, file.voxel(), file.maps[0].density);
  ASSERT_TRUE(spi_data::write_mrc(path("d.mrc"), volume).ok());
  const absl::StatusOr<Viewed> mrc = view(path("d.mrc"), path("d.png"), {});
  ASSERT_TRUE(mrc.ok()) << mrc.status();
  EXPECT_EQ(mrc->kind, "volume");
  volume.shape = {3, 9, 27};
  EXPECT_EQ(reason_of(draw_volume(volume, {}).status()), "WRONG_SHAPE");
}

spi_data::PatternParts some_patterns() {
  spi_data::PatternParts parts;
  parts.frames = 2;
  spi_data::Detector& detector = parts.detector;
  detector.shape = {1, 6, 8};
  for (int p = 0; p < 48; ++p) {
    detector.q.insert(detector.q.end(), {0.01 * (p / 8 - 2.5), 0.01 * (p % 8 - 3.5), -0.001});
    detector.picture.insert(detector.picture.end(), {p / 8, p % 8});
  }
  detector.mask.assign(48, spi_data::kGood);
  detector.mask[20] = spi_data::kBad;
  detector.mask[47] = spi_data::kMergeOnly;
  detector.correction.assign(48, 1.0f);
  parts.counts.assign(96, 1);
  parts.counts[3] = 40;
  return parts;
}

TEST_F(DrawDensityTest, PatternsAreViewedWithTheirMask) {
  ASSERT_TRUE(spi_data::write_cspi(path("p.h5"), some_patterns()).ok());
  const absl::StatusOr<Viewed> viewed = view(path("p.h5"), path("p.png"), {});
  ASSERT_TRUE(viewed.ok()) << viewed.status();
  EXPECT_EQ(viewed->kind, "patterns");
  const PngFile png = read_png(path("p.png"));
  EXPECT_GT(png.count(seen(kOrange)), 500) << "the pixel that is merged only";
}

TEST_F(DrawDensityTest, PatternsWithoutPlacesOrQAreDrawnInTheirRows) {
  spi_data::Summary summary;
  summary.detector = some_patterns().detector;
  summary.detector.picture.clear();
  summary.mean.assign(48, 0);
  EXPECT_GT(drawn(draw_patterns(summary, {})).count(seen(kOrange)), 500);
  summary.detector.q.assign(144, 0);
  EXPECT_EQ(drawn(draw_patterns(summary, {})).width, 1400);
}

}  // namespace
}  // namespace unfold::render
