#include "common/render/canvas.h"

#include <gtest/gtest.h>

#include <set>

#include "common/base/error.h"
#include "common/render/font.h"
#include "tests/common/render/png_file.h"
#include "tests/support/scratch_folder.h"

namespace unfold::render {
namespace {

constexpr Colour kWhite = {255, 255, 255};
constexpr Colour kRed = {200, 0, 0};
constexpr std::tuple<int, int, int> kRedSeen = {200, 0, 0};

class CanvasTest : public testing::Test {
 protected:
  PngFile shown(const Canvas& canvas) {
    const std::string path = (folder_ / "canvas.png").string();
    EXPECT_TRUE(canvas.write_png(path).ok());
    return read_png(path);
  }
  const test::ScratchFolder folder_;
};

TEST_F(CanvasTest, PngHasTheSizeAndThePixels) {
  Canvas canvas(30, 20, kWhite);
  canvas.fill({5, 6, 3, 2}, kRed);
  const PngFile png = shown(canvas);
  EXPECT_EQ(png.width, 30);
  EXPECT_EQ(png.height, 20);
  EXPECT_EQ(png.count(kRedSeen), 6);
  EXPECT_EQ(png.at(5, 6), kRedSeen);
  EXPECT_EQ(png.at(7, 7), kRedSeen);
}

TEST_F(CanvasTest, DrawingOutsideIsCutOff) {
  Canvas canvas(10, 10, kWhite);
  canvas.fill({-5, -5, 100, 7}, kRed);
  canvas.line(-50, 5, 50, 5, kRed, 1, {0, 0, 1000, 1000});
  canvas.text(8, 8, "outside", kRed, Align::kLeft, 2);
  EXPECT_GE(shown(canvas).count(kRedSeen), 20);
}

TEST_F(CanvasTest, LinesStayWithinTheirClip) {
  Canvas canvas(40, 40, kWhite);
  canvas.line(0, 0, 39, 39, kRed, 2, {10, 10, 5, 5});
  const PngFile png = shown(canvas);
  EXPECT_EQ(png.at(12, 12), kRedSeen);
  EXPECT_EQ(png.at(9, 9), std::make_tuple(255, 255, 255));
  EXPECT_EQ(png.at(20, 20), std::make_tuple(255, 255, 255));
}

TEST_F(CanvasTest, TextIsAsWideAsItSays) {
  Canvas canvas(200, 40, kWhite);
  canvas.text(20, 20, "HHH", kRed, Align::kLeft, 1);
  const PngFile png = shown(canvas);
  const int width = Canvas::text_width("HHH", 1);
  EXPECT_EQ(png.at(20, 20), kRedSeen);
  EXPECT_EQ(png.at(20 + width - 1, 20), kRedSeen);
  for (int y = 0; y < 40; ++y) EXPECT_NE(png.at(20 + width, y), kRedSeen);
}

TEST_F(CanvasTest, AFolderThatIsNotThereIsAnError) {
  const absl::Status status = Canvas(4, 4, kWhite).write_png("/nonexistent/a.png");
  EXPECT_EQ(reason_of(status), "WRITE_FAILED");
}

TEST(FontTest, EveryCharacterLooksDifferent) {
  std::set<Glyph> glyphs;
  for (char c = ' '; c <= '~'; ++c) glyphs.insert(glyph_of(c));
  EXPECT_EQ(glyphs.size(), 95U);
  EXPECT_EQ(glyphs.count(glyph_of('\n')), 0U);
}

}  // namespace
}  // namespace unfold::render
