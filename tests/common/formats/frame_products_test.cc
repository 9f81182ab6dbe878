#include "common/formats/fits/frame_products.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/version.h"
#include "common/formats/fits/images.h"
#include "common/formats/fits/scan.h"
#include "tests/support/shared_data.h"

namespace unfold::fits {
namespace {

// nspec x nwave bins without any fault.
struct Bins {
  int nspec = 3;
  int nwave = 5;
  std::vector<float> fraction = std::vector<float>(15, 0.0F);
  std::vector<float> chi2pix = std::vector<float>(15, 1.0F);
  std::vector<float> ivar = std::vector<float>(15, 1.0F);
  std::vector<std::uint8_t> off = std::vector<std::uint8_t>(15, 0);
  std::vector<std::uint32_t> mask() const {
    return frame_mask({nspec, nwave, fraction, chi2pix, ivar, off});
  }
};

TEST(FrameMask, CleanBinsHaveNoBit) { EXPECT_EQ(Bins().mask(), std::vector<std::uint32_t>(15, 0)); }

TEST(FrameMask, BadPixelsAreSomeAboveHalfAndAllWithinTolerance) {
  Bins bins;
  bins.fraction[0] = 0.5F;
  bins.fraction[1] = 0.51F;
  bins.fraction[2] = 0.9999999F;  // a sum of weights that misses 1 by round-off
  const auto mask = bins.mask();
  EXPECT_EQ(mask[0], 0u);
  EXPECT_EQ(mask[1], specmask::kSomeBadPix);
  EXPECT_EQ(mask[2], specmask::kSomeBadPix | specmask::kAllBadPix);
}

TEST(FrameMask, ABinWithoutWeightIsAllBadAndOffTheCcdHasNoData) {
  Bins bins;
  bins.ivar[3] = 0;
  bins.ivar[4] = 0;
  bins.off[4] = 1;
  const auto mask = bins.mask();
  EXPECT_EQ(mask[3], specmask::kAllBadPix);
  EXPECT_EQ(mask[4], specmask::kAllBadPix | specmask::kNoData);
}

TEST(FrameMask, ABadFitExceedsFiveMediansBothWays) {
  Bins bins;
  bins.chi2pix[7] = 5.1F;
  EXPECT_EQ(bins.mask()[7], specmask::kBad2DFit);
  bins.chi2pix[7] = 4.9F;
  EXPECT_EQ(bins.mask()[7], 0u);
  // The whole fibre fits badly: its median follows, only wavelength's would tell.
  for (std::size_t j = 5; j < 10; ++j) bins.chi2pix[j] = 50;
  EXPECT_EQ(bins.mask()[7], 0u);
}

TEST(FrameMask, BinsWithoutWeightDoNotPullTheMedians) {
  Bins bins;
  bins.chi2pix.assign(15, 0.0F);
  bins.ivar.assign(15, 0.0F);
  for (const std::size_t i : {5U, 6U, 7U, 2U}) {
    bins.ivar[i] = 1;
    bins.chi2pix[i] = 1;
  }
  bins.chi2pix[7] = 3;  // five medians of all 15 bins would be 0
  EXPECT_EQ(bins.mask()[7], 0u);
}

TEST(FrameMask, AgreesWithTheReferenceFrame) {
  const std::string frame_path =
      test::shared_file("data/extraction/c02_desispec_frame.fits.gz").string();
  const std::string bins_path =
      test::shared_file("data/extraction/c02_cosmics_gs.fits.gz").string();
  if (frame_path.empty() || bins_path.empty()) GTEST_SKIP() << "shared data absent";
  const auto frame = read_frame(frame_path);
  const auto bins = load_and_scan(bins_path, "");
  ASSERT_TRUE(frame.ok() && bins.ok()) << frame.status();
  const auto plane = [&](const char* name) {
    return *read_image<float>(*bins, *bins->structure.find(name));
  };
  const auto fraction = plane("PIXMASK_FRACTION");
  const auto chi2pix = plane("CHI2PIX");
  const auto ivar = plane("IVAR");
  auto mask = frame_mask({frame->nspec, frame->nwave, fraction, chi2pix, ivar, {}});
  const auto count = [&](std::uint32_t bit) {
    return std::count_if(mask.begin(), mask.end(), [&](std::uint32_t m) { return (m & bit) != 0; });
  };
  EXPECT_EQ(count(specmask::kSomeBadPix), 123);
  EXPECT_EQ(count(specmask::kBad2DFit), 312);
  // The reference misses fully masked bins by its test for exactly 1.
  for (std::size_t i = 0; i < mask.size(); ++i) {
    EXPECT_EQ(mask[i] & ~specmask::kAllBadPix, frame->mask[i] & ~specmask::kAllBadPix) << i;
    EXPECT_GE(mask[i] & specmask::kAllBadPix, frame->mask[i] & specmask::kAllBadPix) << i;
  }
}

TEST(Scores, AgreeWithTheReferenceFrame) {
  const std::string path = test::shared_file("data/extraction/c02_desispec_frame.fits.gz").string();
  if (path.empty()) GTEST_SKIP() << "shared data absent";
  const auto frame = read_frame(path);
  ASSERT_TRUE(frame.ok()) << frame.status();
  for (const char* camera : {"r0", ""}) {
    const Table scores = compute_scores(*frame, camera);
    ASSERT_EQ(scores.columns.size(), frame->scores->columns.size());
    for (std::size_t c = 0; c < scores.columns.size(); ++c) {
      EXPECT_EQ(scores.columns[c].name, frame->scores->columns[c].name);
      for (std::int64_t row = 0; row < scores.rows; ++row) {
        const double want = frame->scores->number(frame->scores->columns[c], row);
        EXPECT_NEAR(scores.number(scores.columns[c], row), want, 1e-6 * std::abs(want));
      }
    }
  }
}

TEST(Scores, ABandWithoutWavelengthsScoresZero) {
  Frame frame;
  frame.nspec = 1;
  frame.nwave = 2;
  frame.wavelength = {5000, 5001};
  frame.flux = {1, 2};
  frame.ivar = {1, 1};
  const Table scores = compute_scores(frame, "z1");
  EXPECT_EQ(scores.columns[0].name, "SUM_RAW_COUNT_Z");
  EXPECT_EQ(scores.number(scores.columns[0], 0), 0);
}

FrameCards plain_cards() {
  FrameCards cards;
  cards.nspec = 25;
  cards.wave_min = 5760;
  cards.wave_max = 7620;
  cards.wave_step = 0.8;
  cards.in_psf = "calib:psf.fits";
  cards.in_image = "data:preproc.fits";
  return cards;
}

TEST(FrameHeader, KeepsTheImagesCardsButNotItsStructure) {
  Header image;
  image.append_card("SIMPLE  =                    T");
  image.append_card("BITPIX  =                  -32");
  image.append_card("NAXIS   =                    2");
  image.append_card("NAXIS1  =                 4114");
  image.append_card("EXTNAME = 'IMAGE   '");
  image.append_card("BUNIT   = 'electron'");
  image.append_card("CHECKSUM= 'abc     '");
  image.append_card("HELIOCOR=                  1.5");
  image.append_card("HIERARCH TCS AIRMASS = 1.2");
  image.append_card("COMMENT  kept");
  const Header header = frame_header(image, plain_cards());
  for (const char* key : {"SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "EXTNAME", "CHECKSUM"}) {
    EXPECT_FALSE(header.has(key)) << key;
  }
  EXPECT_FALSE(header.has("HELIOCOR")) << "no correction was applied";
  EXPECT_EQ(*header.string("BUNIT"), "electron/Angstrom");
  EXPECT_EQ(*header.real("TCS AIRMASS"), 1.2);
  EXPECT_NE(std::find(header.cards().begin(), header.cards().end(),
                      std::string("COMMENT  kept") + std::string(67, ' ')),
            header.cards().end());
}

TEST(FrameHeader, TheFirstFibreIsTheFibermapsOwn) {
  const std::vector<std::int32_t> fibers = {1502, 1500, 1501};
  const Table table =
      TableBuilder("FIBERMAP").add("FIBER", std::span<const std::int32_t>(fibers)).build();
  EXPECT_EQ(first_fibre(table, 7), 1500);
  EXPECT_EQ(first_fibre(std::nullopt, 7), 7);
  EXPECT_EQ(first_fibre(Table(), 7), 7);
}

TEST(FrameHeader, NamesUnfoldAndKeepsEarlierDependencies) {
  Header image;
  image.set("DEPNAM00", "desispec");
  image.set("DEPVER00", "0.60");
  const Header header = frame_header(image, plain_cards());
  EXPECT_EQ(*header.string("DEPNAM00"), "desispec");
  EXPECT_EQ(*header.string("DEPNAM01"), "unfold");
  EXPECT_EQ(*header.string("DEPVER01"), kVersion);
  EXPECT_EQ(*header.string("SPECTER"), std::string("unfold ") + kVersion);
  EXPECT_EQ(*header.string("UFCOMMIT"), kCommit);
}

TEST(FrameHeader, SaysWhatWasDone) {
  FrameCards cards = plain_cards();
  cards.heliocentric_factor = 1.0000934;
  cards.orig_psf = "fit.fits";
  cards.psf_is_psfnight = true;
  cards.psf_sha256 = std::string(64, 'b');
  cards.parameters = {{"psferr", "0.01"}, {"mode", "strips"}};
  const Header header = frame_header({}, cards);
  EXPECT_EQ(*header.real("HELIOCOR"), 1.0000934);
  EXPECT_EQ(*header.string("ORIG_PSF"), "fit.fits");
  EXPECT_EQ(*header.string("UFPSFSHA"), std::string(64, 'b'));
  EXPECT_TRUE(*header.logical("UFPSFNGT"));
  EXPECT_EQ(*header.string("UFP01"), "mode");
  EXPECT_EQ(*header.string("UFV01"), "strips");
}

}  // namespace
}  // namespace unfold::fits
