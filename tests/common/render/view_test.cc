#include "common/render/view.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>

#include "common/base/error.h"
#include "common/formats/fits/frame.h"
#include "common/render/plot.h"
#include "common/simulate/random.h"
#include "common/simulate/simulate.h"
#include "common/simulate/truth.h"
#include "tests/common/render/png_file.h"
#include "tests/support/scratch_folder.h"

namespace unfold::render {
namespace {

namespace fs = std::filesystem;

std::tuple<int, int, int> seen(Colour c) { return {c.red, c.green, c.blue}; }

/// One simulation for the whole suite, and a frame with the noise that its ivar states.
class ViewTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = std::make_unique<test::ScratchFolder>();
    folder_ = scratch_->path();
    simulate::ExtractionOptions options;
    options.directory = folder_.string();
    options.first_fibre = 250;
    options.fibres = 25;
    options.wave_min = 6500;
    options.wave_max = 6580;
    options.cosmics = 4;
    options.bad_columns = 1;
    files_ = *simulate::simulate_extraction(options);
    ASSERT_TRUE(fits::write_frame(frame_path(), make_frame(), false).ok());
  }
  static void TearDownTestSuite() { scratch_.reset(); }

  static std::string frame_path() { return (folder_ / "frame.fits").string(); }
  static std::string png_path() { return (folder_ / "view.png").string(); }

  static fits::Frame make_frame() {
    const simulate::Truth truth = *simulate::read_truth(files_.truth);
    fits::Frame frame;
    frame.nspec = truth.nspec;
    frame.nwave = truth.nwave;
    frame.wavelength = truth.wavelength;
    simulate::Random random(1, 0);
    for (const double photons : truth.photons) {
      const double sigma = std::sqrt(photons + 50) / 0.8;
      frame.flux.push_back(static_cast<float>(photons / 0.8 + sigma * random.normal()));
      frame.ivar.push_back(static_cast<float>(1 / (sigma * sigma)));
    }
    frame.mask.assign(frame.flux.size(), 0);
    frame.resolution.assign(frame.flux.size(), 1.0F);
    frame.chi2pix.assign(frame.flux.size(), 1.0F);
    frame.header.set("FIBERMIN", truth.first_fibre);
    return frame;
  }

  static std::unique_ptr<test::ScratchFolder> scratch_;
  static fs::path folder_;
  static simulate::ExtractionFiles files_;
};
std::unique_ptr<test::ScratchFolder> ViewTest::scratch_;
fs::path ViewTest::folder_;
simulate::ExtractionFiles ViewTest::files_;

TEST_F(ViewTest, APreprocImageShowsItsLightAndItsMaskedPixels) {
  const absl::StatusOr<Viewed> viewed = view(files_.image, png_path(), {});
  ASSERT_TRUE(viewed.ok()) << viewed.status();
  EXPECT_EQ(viewed->kind, "preproc");
  const PngFile png = read_png(png_path());
  EXPECT_EQ(png.width, viewed->width);
  EXPECT_EQ(png.height, viewed->height);
  EXPECT_GT(png.count(seen(kOrange)), 500);
  EXPECT_GT(png.colours(), 200U);
}

TEST_F(ViewTest, AFrameWithItsTruthShowsPullsToo) {
  const absl::StatusOr<Viewed> plain = view(frame_path(), png_path(), {});
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->kind, "frame");
  const absl::StatusOr<Viewed> full = view(frame_path(), png_path(), {.truth = files_.truth});
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_GT(full->height, plain->height + 200);
  EXPECT_GT(read_png(png_path()).colours(), 200U);
}

TEST_F(ViewTest, AFrameMayStandBelowTheImageItWasMadeFrom) {
  const Viewed image = *view(files_.image, png_path(), {});
  const Viewed frame = *view(frame_path(), png_path(), {});
  const absl::StatusOr<Viewed> both = view(frame_path(), png_path(), {.image = files_.image});
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_EQ(both->kind, "frame");
  EXPECT_EQ(both->height, image.height + frame.height);
}

TEST_F(ViewTest, MoreFibresMakeATallerPicture) {
  const Viewed one = *view(frame_path(), png_path(), {.fibres = {250}});
  const Viewed four = *view(frame_path(), png_path(), {.fibres = {250, 251, 252, 274}});
  EXPECT_GT(four.height, one.height + 300);
}

TEST_F(ViewTest, APsfShowsTracesAndStamps) {
  const absl::StatusOr<Viewed> viewed = view(files_.psf, png_path(), {.width = 1000});
  ASSERT_TRUE(viewed.ok()) << viewed.status();
  EXPECT_EQ(viewed->kind, "psf");
  const PngFile png = read_png(png_path());
  EXPECT_EQ(png.width, 1000);
  EXPECT_GT(png.count(seen(kBlue)), 1000);
}

TEST_F(ViewTest, OtherFilesAreRefused) {
  EXPECT_EQ(reason_of(view(files_.truth, png_path(), {}).status()), "WRONG_TYPE");
  const std::string text = (folder_ / "notes.txt").string();
  std::ofstream(text) << "not a FITS file";
  EXPECT_FALSE(view(text, png_path(), {}).ok());
  EXPECT_EQ(field_of(view(files_.psf, png_path(), {.width = 10}).status()), "width");
}

TEST_F(ViewTest, TheTruthOfAnotherFrameIsRefused) {
  simulate::Truth other = *simulate::read_truth(files_.truth);
  for (double& w : other.wavelength) w += 0.25;
  const std::string path = (folder_ / "other-truth.fits").string();
  ASSERT_TRUE(simulate::write_truth(path, other, 1).ok());
  EXPECT_EQ(reason_of(view(frame_path(), png_path(), {.truth = path}).status()), "GRID_MISMATCH");
}

}  // namespace
}  // namespace unfold::render
