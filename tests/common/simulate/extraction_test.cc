#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numeric>

#include "common/base/error.h"
#include "common/formats/fits/preproc.h"
#include "common/formats/fits/psf.h"
#include "common/simulate/simulate.h"
#include "common/simulate/truth.h"
#include "tests/support/scratch_folder.h"

namespace unfold::simulate {
namespace {

namespace fs = std::filesystem;

class SimulateExtractionTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.directory = folder_.string();
    options_.first_fibre = 50;
    options_.fibres = 25;
    options_.wave_min = 6400;
    options_.wave_max = 6420;
  }

  const test::ScratchFolder scratch_;
  const fs::path folder_ = scratch_ / "made";
  ExtractionOptions options_;
};

TEST_F(SimulateExtractionTest, WritesWhatDesiWouldNameAndHold) {
  options_.camera = "r3";
  options_.night = 20261101;
  options_.expid = 1234;
  options_.exptime = 900;
  const absl::StatusOr<ExtractionFiles> files = simulate_extraction(options_);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(fs::path(files->image).filename(), "preproc-r3-00001234.fits");
  EXPECT_EQ(fs::path(files->psf).filename(), "psf-r3-00001234.fits");
  EXPECT_EQ(files->bins, 25 * 26);

  const absl::StatusOr<fits::Preproc> image = fits::read_preproc(files->image);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->nx, 4114);
  EXPECT_EQ(image->ny, 4128);
  EXPECT_EQ(image->camera, "r3");
  EXPECT_EQ(*image->header.integer("NIGHT"), 20261101);
  EXPECT_EQ(*image->header.integer("EXPID"), 1234);
  EXPECT_EQ(*image->header.real("EXPTIME"), 900);
  EXPECT_EQ(*image->header.string("OBSTYPE"), "SCIENCE");
  for (const char* key : {"TARGTRA", "TARGTDEC", "MJD-OBS", "RDNOISE", "FLAVOR"}) {
    EXPECT_TRUE(image->header.has(key)) << key;
  }
  ASSERT_TRUE(image->fibermap.has_value());
  EXPECT_EQ(image->fibermap->rows, 500);
  EXPECT_EQ(image->fibermap->integer(*image->fibermap->find("FIBER"), 17), 3 * 500 + 17);
  EXPECT_TRUE(fits::read_psf(files->psf).ok());
}

TEST_F(SimulateExtractionTest, TruthIsTheLightOnTheCcd) {
  const absl::StatusOr<ExtractionFiles> files = simulate_extraction(options_);
  ASSERT_TRUE(files.ok()) << files.status();
  const absl::StatusOr<Truth> truth = read_truth(files->truth);
  ASSERT_TRUE(truth.ok()) << truth.status();
  EXPECT_EQ(truth->first_fibre, 50);
  EXPECT_EQ(truth->nspec, 25);
  EXPECT_EQ(truth->nwave, 26);
  EXPECT_DOUBLE_EQ(truth->wavelength.back(), 6420);
  const double total = std::accumulate(truth->photons.begin(), truth->photons.end(), 0.0);
  EXPECT_NEAR(files->electrons / total, 1, 1e-12);
  const fits::Preproc image = *fits::read_preproc(files->image);
  double seen = 0;
  for (const float pixel : image.image) seen += static_cast<double>(pixel);
  // Read noise of all pixels beside the photons' own.
  EXPECT_NEAR(seen, total, 5 * std::sqrt(total + 9.0 * 4114 * 4128));
}

TEST_F(SimulateExtractionTest, FinerLightHasTheSameTruthToItsBinning) {
  const ExtractionFiles coarse = *simulate_extraction(options_);
  options_.oversample = 4;
  options_.directory = (folder_ / "fine").string();
  const ExtractionFiles fine = *simulate_extraction(options_);
  const Truth a = *read_truth(coarse.truth);
  const Truth b = *read_truth(fine.truth);
  ASSERT_EQ(a.nwave, b.nwave);
  for (std::size_t i = 0; i < a.photons.size(); ++i) {
    EXPECT_NEAR(b.photons[i] / a.photons[i], 1, 1e-3);
  }
}

TEST_F(SimulateExtractionTest, TheSameSeedMakesTheSameFiles) {
  options_.cosmics = 3;
  const ExtractionFiles first = *simulate_extraction(options_);
  options_.directory = (folder_ / "again").string();
  const ExtractionFiles again = *simulate_extraction(options_);
  EXPECT_EQ(test::read_text(first.psf), test::read_text(again.psf));
  EXPECT_EQ(fits::read_preproc(first.image)->image, fits::read_preproc(again.image)->image);
  EXPECT_EQ(read_truth(first.truth)->photons, read_truth(again.truth)->photons);
  options_.seed = 2;
  options_.directory = (folder_ / "other").string();
  const ExtractionFiles other = *simulate_extraction(options_);
  EXPECT_NE(fits::read_preproc(first.image)->image, fits::read_preproc(other.image)->image);
}

TEST_F(SimulateExtractionTest, APieceOfAFrameHasTheTruthOfTheWhole) {
  const Truth piece = *read_truth(simulate_extraction(options_)->truth);
  options_.first_fibre = 25;
  options_.fibres = 75;
  options_.wave_min = 6392;
  options_.directory = (folder_ / "whole").string();
  const Truth whole = *read_truth(simulate_extraction(options_)->truth);
  for (int s = 0; s < piece.nspec; ++s) {
    for (int i = 0; i < piece.nwave; ++i) {
      EXPECT_NEAR(piece.photons[static_cast<std::size_t>(s * piece.nwave + i)],
                  whole.photons[static_cast<std::size_t>((s + 25) * whole.nwave + i + 10)], 1e-7);
    }
  }
}

TEST_F(SimulateExtractionTest, CompressesTheImageWhenAsked) {
  options_.gzip = true;
  const ExtractionFiles files = *simulate_extraction(options_);
  EXPECT_EQ(fs::path(files.image).extension(), ".gz");
  EXPECT_EQ(test::read_text(files.image).substr(0, 2), "\x1f\x8b");
  EXPECT_TRUE(fits::read_preproc(files.image).ok());
}

TEST_F(SimulateExtractionTest, AnExistingFileIsKeptUnlessOverwritingIsAllowed) {
  ASSERT_TRUE(simulate_extraction(options_).ok());
  const absl::Status refused = simulate_extraction(options_).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kAlreadyExists);
  options_.overwrite = true;
  EXPECT_TRUE(simulate_extraction(options_).ok());
}

TEST_F(SimulateExtractionTest, OptionsThatMakeNoSenseAreRefusedByName) {
  const auto field_when = [this](const auto& change) {
    ExtractionOptions options = options_;
    change(options);
    const absl::Status status = simulate_extraction(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return field_of(status);
  };
  EXPECT_EQ(field_when([](auto& o) { o.camera = "q1"; }), "camera");
  EXPECT_EQ(field_when([](auto& o) { o.wave_step = -0.8; }), "wavelength");
  EXPECT_EQ(field_when([](auto& o) { o.wave_max = std::nan(""); }), "wavelength");
  EXPECT_EQ(field_when([](auto& o) { o.first_fibre = 490; }), "fibres");
  EXPECT_EQ(field_when([](auto& o) { o.fibres = 0; }), "fibres");
  EXPECT_EQ(field_when([](auto& o) { o.oversample = 0; }), "oversample");
  EXPECT_EQ(field_when([](auto& o) { o.read_noise = 0; }), "read_noise");
  EXPECT_EQ(field_when([](auto& o) { o.heliocentric_factor = 1.1; }), "heliocentric_factor");
  EXPECT_FALSE(fs::exists(folder_)) << "a refused simulation leaves nothing behind";
}

TEST_F(SimulateExtractionTest, AnotherKindOfFileIsNoTruth) {
  const ExtractionFiles files = *simulate_extraction(options_);
  EXPECT_EQ(reason_of(read_truth(files.psf).status()), "WRONG_TYPE");
}

}  // namespace
}  // namespace unfold::simulate
