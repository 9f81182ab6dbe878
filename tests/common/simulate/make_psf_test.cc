#include "common/simulate/make_psf.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/error.h"
#include "common/simulate/stamp.h"
#include "tests/support/scratch_folder.h"

namespace unfold::simulate {
namespace {

class MakePsfTest : public testing::TestWithParam<const char*> {};

TEST_P(MakePsfTest, EveryBinOfTheCamerasGridLiesOnTheCcdWithItsStamp) {
  const fits::Psf psf = *make_psf(GetParam());
  const Grid grid = *camera_grid(GetParam());
  const StampEvaluator evaluator(psf);
  for (int fibre = 0; fibre < psf.nspec; ++fibre) {
    for (const int bin : {-12, 0, grid.size() / 2, grid.size() - 1, grid.size() + 11}) {
      const double x = evaluator.x(fibre, grid.wavelength(bin));
      const double y = evaluator.y(fibre, grid.wavelength(bin));
      ASSERT_GT(x, psf.hsize_x + 0.5) << fibre;
      ASSERT_LT(x, psf.npix_x - psf.hsize_x - 1.5) << fibre;
      ASSERT_GT(y, psf.hsize_y + 0.5) << fibre;
      ASSERT_LT(y, psf.npix_y - psf.hsize_y - 1.5) << fibre;
    }
  }
  EXPECT_LT(psf.wave_min, grid.min - 12 * grid.step);
  EXPECT_GT(psf.wave_max, grid.max + 12 * grid.step);
}

TEST_P(MakePsfTest, WavelengthsRunUpTheCcdAndFibresAcrossIt) {
  const fits::Psf psf = *make_psf(GetParam());
  const Grid grid = *camera_grid(GetParam());
  const StampEvaluator evaluator(psf);
  for (const int fibre : {0, 24, 250, 499}) {
    for (int bin = 1; bin < grid.size(); ++bin) {
      const double rows =
          evaluator.y(fibre, grid.wavelength(bin)) - evaluator.y(fibre, grid.wavelength(bin - 1));
      ASSERT_GT(rows, 1.0);
      ASSERT_LT(rows, 1.8);
    }
  }
  for (int fibre = 1; fibre < psf.nspec; ++fibre) {
    for (const double wavelength : {grid.min, grid.max}) {
      const double columns = evaluator.x(fibre, wavelength) - evaluator.x(fibre - 1, wavelength);
      // Bundles never share a pixel of their 17-wide stamps.
      EXPECT_NEAR(columns, fibre % 25 == 0 ? 19.4 : 7.2, 0.4) << fibre;
    }
  }
}

TEST_P(MakePsfTest, IsReadBackAsItWasWritten) {
  const fits::Psf psf = *make_psf(GetParam());
  const test::ScratchFolder folder;
  const std::filesystem::path file = folder / "psf.fits";
  ASSERT_TRUE(fits::write_psf(file.string(), psf).ok());
  const absl::StatusOr<fits::Psf> read = fits::read_psf(file.string());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->nspec, 500);
  EXPECT_EQ(read->npix_x, 4114);
  EXPECT_EQ(read->npix_y, 4128);
  EXPECT_EQ(read->hsize_x, 8);
  EXPECT_EQ(read->hsize_y, 5);
  EXPECT_EQ(read->x.coefficients, psf.x.coefficients);
  EXPECT_EQ(read->y.coefficients, psf.y.coefficients);
  EXPECT_EQ(read->core.sigma_x.coefficients, psf.core.sigma_x.coefficients);
  EXPECT_EQ(read->core.term(3, 2).coefficients, psf.core.term(3, 2).coefficients);
  EXPECT_FALSE(read->tail.present());
}

INSTANTIATE_TEST_SUITE_P(Cameras, MakePsfTest, testing::Values("b3", "r0", "z9"));

TEST(CameraGridTest, HasTheBinsOfDesiProc) {
  EXPECT_EQ(camera_grid("b0")->size(), 2751);
  EXPECT_EQ(camera_grid("r0")->size(), 2326);
  EXPECT_EQ(camera_grid("z0")->size(), 2881);
}

TEST(CameraGridTest, AnUnknownCameraIsRefusedByName) {
  for (const char* camera : {"", "r", "r10", "x0", "R0"}) {
    const absl::Status status = camera_grid(camera).status();
    EXPECT_EQ(reason_of(status), "OUT_OF_RANGE") << camera;
    EXPECT_EQ(field_of(status), "camera");
  }
}

}  // namespace
}  // namespace unfold::simulate
