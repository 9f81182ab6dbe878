#include "common/formats/fits/preproc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "common/base/error.h"
#include "common/base/sha256.h"
#include "tests/common/formats/fits_files.h"
#include "tests/common/formats/peer.h"
#include "tests/support/shared_data.h"

namespace unfold::fits {
namespace {

class PreprocFile : public ::testing::Test {
 protected:
  std::string written(const Preproc& preproc, const std::string& name = "preproc.fits") {
    const std::string path = folder_.file(name);
    const absl::Status status = write_preproc(path, preproc);
    EXPECT_TRUE(status.ok()) << status;
    return path;
  }
  test::TemporaryFolder folder_;
};

TEST_F(PreprocFile, WhatIsWrittenIsReadBack) {
  for (const char* name : {"preproc.fits", "preproc.fits.gz"}) {
    Preproc preproc = test::small_preproc();
    preproc.mask[7] = 16;
    const std::string path = written(preproc, name);
    const auto back = read_preproc(path);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->nx, 40);
    EXPECT_EQ(back->ny, 30);
    EXPECT_EQ(back->image, preproc.image);
    EXPECT_EQ(back->ivar, preproc.ivar);
    EXPECT_EQ(back->mask, preproc.mask);
    EXPECT_EQ(back->camera, "r0");
    EXPECT_EQ(*back->header.real("EXPTIME"), 1000.0);
    EXPECT_EQ(back->sha256, *sha256_of_file(path));
    ASSERT_TRUE(back->fibermap.has_value());
    EXPECT_EQ(back->fibermap->text(*back->fibermap->find("OBJTYPE"), 3), "SKY");
  }
}

TEST_F(PreprocFile, TheSummaryNeedsNoPixels) {
  const auto summary = read_preproc_summary(written(test::small_preproc()));
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->nx, 40);
  EXPECT_EQ(summary->fibermap_rows, 5);
  EXPECT_EQ(summary->camera, "r0");
  EXPECT_FALSE(summary->compressed);
  EXPECT_TRUE(read_preproc_summary(written(test::small_preproc(), "a.fits.gz"))->compressed);
}

TEST_F(PreprocFile, PixelsThatAreNotFiniteLoseTheirWeight) {
  Preproc preproc = test::small_preproc();
  preproc.image[3] = std::nanf("");
  preproc.image[4] = HUGE_VALF;
  preproc.ivar[5] = std::nanf("");
  preproc.ivar[6] = HUGE_VALF;
  preproc.ivar[7] = -1;
  const auto back = read_preproc(written(preproc));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->nonfinite_pixels, 5);
  for (std::size_t i = 3; i <= 7; ++i) {
    EXPECT_EQ(back->image[i], 0) << i;
    EXPECT_EQ(back->ivar[i], 0) << i;
  }
  EXPECT_EQ(back->ivar[8], 1);
}

TEST_F(PreprocFile, MaskBitsTakeTheWeightOfTheirPixelsOnly) {
  Preproc preproc = test::small_preproc();
  preproc.mask[1] = static_cast<std::int32_t>(ccdmask::kCosmic);
  preproc.mask[2] = static_cast<std::int32_t>(ccdmask::kBadReadNoise);
  preproc.mask[3] = static_cast<std::int32_t>(ccdmask::kSaturated);
  preproc.ivar[3] = 0;
  EXPECT_EQ(apply_mask(preproc, kExtractionMaskBits), 1);
  EXPECT_EQ(preproc.ivar[1], 0);
  EXPECT_EQ(preproc.ivar[2], 1);
}

TEST_F(PreprocFile, ShapesMustAgree) {
  Preproc preproc = test::small_preproc();
  const std::string path = written(preproc);
  std::string bytes = test::read_text(path);
  const std::size_t mask = bytes.find("XTENSION", bytes.find("XTENSION") + 1);
  bytes.replace(bytes.find("NAXIS1", mask), 30, "NAXIS1  =                   30");
  bytes.replace(bytes.find("NAXIS2", mask), 30, "NAXIS2  =                   40");
  const auto status = read_preproc(folder_.write("bad.fits", bytes)).status();
  EXPECT_EQ(reason_of(status), "WRONG_SHAPE");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("MASK"));
}

TEST_F(PreprocFile, APsfIsNotAnImage) {
  const std::string path = folder_.file("psf.fits");
  ASSERT_TRUE(write_psf(path, test::small_psf()).ok());
  for (const absl::Status& status :
       {read_preproc(path).status(), read_preproc_summary(path).status()}) {
    EXPECT_EQ(reason_of(status), "WRONG_TYPE");
  }
}

TEST_F(PreprocFile, TheFibermapIsCutByRowsWithoutLoss) {
  const Preproc preproc = test::small_preproc();
  const auto cut = preproc.fibermap->slice(1, 3);
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->rows, 3);
  EXPECT_EQ(cut->integer(*cut->find("FIBER"), 0), 1);
  EXPECT_EQ(cut->integer(*cut->find("TARGETID"), 2), 39627000000000003);
  EXPECT_EQ(cut->text(*cut->find("OBJTYPE"), 2), "SKY");
  EXPECT_EQ(reason_of(preproc.fibermap->slice(3, 3).status()), "WRONG_SHAPE");
  EXPECT_EQ(reason_of(preproc.fibermap->slice(-1, 3).status()), "WRONG_SHAPE");
}

TEST_F(PreprocFile, AnotherReaderFindsTheSame) {
  const int code =
      test::run_peer("formats/fits_peer.py", "preproc " + written(test::small_preproc()));
  if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-astropy absent";
  EXPECT_EQ(code, 0);
}

TEST_F(PreprocFile, TileCompressedMasksOfAnotherWriterAreRead) {
  const int code = test::run_peer("formats/fits_peer.py", "masks " + folder_.path().string());
  if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-astropy absent";
  ASSERT_EQ(code, 0);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    const auto preproc = read_preproc(entry.path().string());
    ASSERT_TRUE(preproc.ok()) << preproc.status();
    ++files;
    for (int y = 0; y < preproc->ny; ++y) {
      for (int x = 0; x < preproc->nx; ++x) {
        const int want = (x + y) % 5 == 0 ? (x * y) % 200 : 0;
        ASSERT_EQ(preproc->mask[static_cast<std::size_t>(x + y * preproc->nx)], want)
            << entry.path() << " x " << x << " y " << y;
      }
    }
  }
  EXPECT_EQ(files, 27);
}

TEST(Preproc, ReadsTheReferenceImage) {
  const std::string path =
      test::shared_file("data/extraction/c02_cosmics_preproc.fits.gz").string();
  if (path.empty()) GTEST_SKIP() << "shared data absent";
  const auto preproc = read_preproc(path);
  ASSERT_TRUE(preproc.ok()) << preproc.status();
  EXPECT_EQ(preproc->nx, 4114);
  EXPECT_EQ(preproc->ny, 4128);
  EXPECT_EQ(preproc->nonfinite_pixels, 0);
  EXPECT_EQ(preproc->fibermap->rows, 500);
  EXPECT_GT(std::count_if(preproc->mask.begin(), preproc->mask.end(), [](int m) { return m != 0; }),
            400);
}

}  // namespace
}  // namespace unfold::fits
