#include "common/formats/fits/psf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "common/base/sha256.h"
#include "tests/common/formats/fits_files.h"
#include "tests/support/shared_data.h"

namespace unfold::fits {
namespace {

std::string shared_or_skip(const char* name) {
  return test::shared_file(std::string("data/extraction/") + name).string();
}

#define REQUIRE_SHARED(path) \
  if (path.empty()) GTEST_SKIP() << "shared data absent"

TEST(Psf, ReadsVersion3) {
  const std::string path = shared_or_skip("psf-r0-00051060.fits");
  REQUIRE_SHARED(path);
  const auto psf = read_psf(path);
  ASSERT_TRUE(psf.ok()) << psf.status();
  EXPECT_EQ(psf->type, PsfType::kGaussHermite);
  EXPECT_EQ(psf->version, 3);
  EXPECT_EQ(psf->nspec, 500);
  EXPECT_EQ(psf->npix_x, 4114);
  EXPECT_EQ(psf->npix_y, 4128);
  EXPECT_EQ(psf->hsize_x, 8);
  EXPECT_EQ(psf->hsize_y, 5);
  EXPECT_EQ(psf->x.ncoef, 7);
  EXPECT_EQ(psf->x.wave_max, 7826);
  EXPECT_EQ(psf->core.sigma_x.ncoef, 4);
  EXPECT_EQ(psf->core.sigma_x.wave_max, 7827);
  EXPECT_EQ(psf->core.degree_x, 6);
  EXPECT_EQ(psf->core.terms.size(), 49u);
  EXPECT_EQ(psf->core.term(0, 0).coefficients[0], 1.0);
  EXPECT_FALSE(psf->tail.present());
  EXPECT_FALSE(psf->psferr.has_value());
  EXPECT_EQ(psf->camera, "r0");
  EXPECT_EQ(psf->sha256.substr(0, 16), "0d628c9236d9ac3e");
}

TEST(Psf, ReadsVersion2WithItsTail) {
  const std::string path = shared_or_skip("psf-gausshermite.fits");
  REQUIRE_SHARED(path);
  const auto psf = read_psf(path);
  ASSERT_TRUE(psf.ok()) << psf.status();
  EXPECT_EQ(psf->version, 2);
  EXPECT_EQ(psf->nspec, 25);
  EXPECT_EQ(psf->hsize_x, 14);
  EXPECT_EQ(psf->core.terms.size(), 81u);
  EXPECT_EQ(psf->x.ncoef, 8);
  EXPECT_GT(psf->wave_min, 5500);
  EXPECT_LT(psf->wave_max, 7850);
  EXPECT_TRUE(psf->tail.present());
  EXPECT_FALSE(psf->second.has_value());
}

TEST(Psf, ReadsTheTwoCoreType) {
  const std::string path = shared_or_skip("psf-gausshermite2.fits");
  REQUIRE_SHARED(path);
  const auto psf = read_psf(path);
  ASSERT_TRUE(psf.ok()) << psf.status();
  EXPECT_EQ(psf->type, PsfType::kGaussHermite2);
  ASSERT_TRUE(psf->second.has_value());
  EXPECT_EQ(psf->second->terms.size(), 16u);
  EXPECT_EQ(psf->core_radius.ncoef, 8);
  EXPECT_TRUE(psf->tail.present());
}

TEST(Psf, TheSummaryAgreesWithTheFile) {
  for (const char* name :
       {"psf-r0-00067784.fits", "psf-gausshermite.fits", "psf-gausshermite2.fits"}) {
    const std::string path = shared_or_skip(name);
    REQUIRE_SHARED(path);
    const auto psf = read_psf(path);
    const auto summary = read_psf_summary(path);
    ASSERT_TRUE(psf.ok() && summary.ok()) << summary.status();
    EXPECT_EQ(summary->nspec, psf->nspec);
    EXPECT_EQ(summary->wave_min, psf->wave_min);
    EXPECT_EQ(summary->wave_max, psf->wave_max);
    EXPECT_EQ(summary->hsize_y, psf->hsize_y);
    EXPECT_EQ(summary->degree_x, psf->core.degree_x);
  }
}

class PsfFile : public ::testing::Test {
 protected:
  std::string written(const Psf& psf) {
    const std::string path = folder_.file("psf.fits");
    const absl::Status status = write_psf(path, psf);
    EXPECT_TRUE(status.ok()) << status;
    return path;
  }
  std::string refusal(const Psf& psf) { return reason_of(read_psf(written(psf)).status()); }
  test::TemporaryFolder folder_;
};

TEST_F(PsfFile, WhatIsWrittenIsReadBack) {
  Psf psf = test::small_psf();
  psf.psferr = 0.02;
  psf.in_psf = "SPCALIB/" + std::string(100, 'x') + ".fits";
  const auto back = read_psf(written(psf));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->nspec, psf.nspec);
  EXPECT_EQ(back->x.coefficients, psf.x.coefficients);
  EXPECT_EQ(back->y.wave_min, psf.y.wave_min);
  EXPECT_EQ(back->core.sigma_y.coefficients, psf.core.sigma_y.coefficients);
  EXPECT_EQ(back->core.term(1, 2).coefficients, psf.core.term(1, 2).coefficients);
  EXPECT_EQ(back->tail.index.coefficients, psf.tail.index.coefficients);
  EXPECT_EQ(back->psferr, 0.02);
  EXPECT_EQ(back->in_psf, psf.in_psf);
  EXPECT_EQ(back->camera, "r0");
  EXPECT_EQ(back->sha256, *sha256_of_file(folder_.file("psf.fits")));
}

TEST_F(PsfFile, ACoefficientThatIsNotFiniteIsRefused) {
  Psf psf = test::small_psf();
  psf.core.terms[3].coefficients[1] = std::nan("");
  EXPECT_EQ(refusal(psf), "BAD_HEADER_VALUE");
  psf = test::small_psf();
  psf.x.coefficients[0] = HUGE_VAL;
  EXPECT_EQ(refusal(psf), "BAD_HEADER_VALUE");
}

TEST_F(PsfFile, ASigmaThatIsNotPositiveIsRefused) {
  Psf psf = test::small_psf();
  psf.core.sigma_x.coefficients[2] = 0;
  EXPECT_EQ(refusal(psf), "BAD_HEADER_VALUE");
}

TEST_F(PsfFile, NumbersOutOfRangeAreRefused) {
  Psf psf = test::small_psf();
  psf.hsize_x = 0;
  EXPECT_EQ(refusal(psf), "BAD_HEADER_VALUE");
  psf = test::small_psf();
  psf.npix_y = 2'000'000;
  EXPECT_EQ(refusal(psf), "BAD_HEADER_VALUE");
  psf = test::small_psf();
  psf.x.wave_max = psf.x.wave_min;
  EXPECT_EQ(refusal(psf), "BAD_HEADER_VALUE");
}

TEST_F(PsfFile, AnImageIsNotAPsf) {
  const std::string path = folder_.file("preproc.fits");
  ASSERT_TRUE(write_preproc(path, test::small_preproc()).ok());
  const absl::Status status = read_psf(path, "data:preproc.fits").status();
  EXPECT_EQ(reason_of(status), "WRONG_TYPE");
  EXPECT_EQ(reason_of(read_psf_summary(path).status()), "WRONG_TYPE");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("preproc image, not a PSF"));
}

TEST_F(PsfFile, AHeaderValueThatIsNanIsRefusedByItsName) {
  std::string bytes = test::read_text(written(test::small_psf()));
  const std::size_t at = bytes.rfind("WAVEMAX =");
  bytes.replace(at, 30, "WAVEMAX =                  NaN");
  const auto status = read_psf_summary(folder_.write("nan.fits", bytes)).status();
  EXPECT_EQ(reason_of(status), "BAD_HEADER_VALUE");
  EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr("WAVEMAX"));
}

}  // namespace
}  // namespace unfold::fits
