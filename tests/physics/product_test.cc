// Frame files as a worker makes them, against the truth of the simulated image they were made from,
// and as DESI's own readers see them.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "common/compare/diff.h"
#include "common/compare/summary.h"
#include "common/formats/fits/frame.h"
#include "common/simulate/simulate.h"
#include "tests/physics/pipeline.h"
#include "tests/support/scratch_folder.h"

namespace unfold::physics {
namespace {

namespace fs = std::filesystem;

constexpr int kPeerAbsent = 77;

/// Debian's python3, which has astropy and scipy; kPeerAbsent where one of them is missing.
int run_reader(const std::string& frame, const std::string& truth) {
  const std::string command = "/usr/bin/python3 -B '" + std::string(UNFOLD_SOURCE_DIR) +
                              "/tests/physics/desi_reader_test.py' '" + frame + "' '" + truth + "'";
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  return code == 127 ? kPeerAbsent : code;
}

/// Two bundles in the middle of the slit, with cosmics, a bad column and pixels that are NaN.
class ProductTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = std::make_unique<test::ScratchFolder>();
    folder_ = scratch_->path();
    simulate::ExtractionOptions options;
    options.directory = folder_.string();
    options.first_fibre = 225;
    options.fibres = 50;
    options.wave_min = 6400;
    options.wave_max = 6560;
    options.cosmics = 15;
    options.bad_columns = 1;
    options.bad_pixels = 60;
    options.nan_pixels = 5;
    options.expid = 7;
    files_ = simulate::simulate_extraction(options).value();
  }
  static void TearDownTestSuite() { scratch_.reset(); }

  static v1::ExtractionSpec spec_of(const std::string& output) {
    v1::ExtractionSpec spec;
    spec.set_image("data:preproc-r0-00000007.fits");
    spec.set_psf("data:psf-r0-00000007.fits");
    spec.set_output("data:" + output);
    spec.mutable_wavelength()->set_min(6400);
    spec.mutable_wavelength()->set_max(6560);
    spec.mutable_wavelength()->set_step(0.8);
    spec.set_specmin(225);
    spec.set_nspec(50);
    return spec;
  }
  static std::string path(const std::string& name) { return (folder_ / name).string(); }
  static std::map<std::string, double> run(const v1::ExtractionSpec& spec) {
    const auto summary = run_extraction(folder_.string(), spec);
    EXPECT_TRUE(summary.ok()) << summary.status();
    return summary.value_or(std::map<std::string, double>{});
  }
  static void expect_true_to(const std::string& truth, const std::string& frame) {
    const absl::StatusOr<compare::FrameSummary> summary = compare::summarise(frame, truth);
    ASSERT_TRUE(summary.ok()) << summary.status();
    EXPECT_EQ(summary->bins, 50 * 201);
    EXPECT_GT(summary->good_bins, 9800);
    EXPECT_LT(summary->good_bins, 50 * 201) << "cosmics leave a mark";
    const double error = 1 / std::sqrt(static_cast<double>(summary->pulls));
    EXPECT_NEAR(summary->pull_mean, 0, 0.02 + 4 * error);
    EXPECT_NEAR(summary->pull_deviation, 1, 0.03 + 4 * error / std::sqrt(2.0));
    EXPECT_NEAR(summary->wavelength_correlation, 0, 0.03 + 4 * error);
    EXPECT_NEAR(summary->fibre_correlation, 0, 0.03 + 4 * error);
    EXPECT_EQ(summary->pulls_beyond_5, 0);
  }

  static std::unique_ptr<test::ScratchFolder> scratch_;
  static fs::path folder_;
  static simulate::ExtractionFiles files_;
};
std::unique_ptr<test::ScratchFolder> ProductTest::scratch_;
fs::path ProductTest::folder_;
simulate::ExtractionFiles ProductTest::files_;

TEST_F(ProductTest, PatchesAndStripsAreTrue) {
  v1::ExtractionSpec spec = spec_of("patches.fits");
  run(spec);
  expect_true_to(files_.truth, path("patches.fits"));
  spec.set_output("data:strips.fits");
  spec.set_mode(v1::EXTRACTION_MODE_STRIPS);
  run(spec);
  expect_true_to(files_.truth, path("strips.fits"));
}

TEST_F(ProductTest, NaNPixelsSpreadNowhere) {
  run(spec_of("frame.fits"));
  const fits::Frame frame = fits::read_frame(path("frame.fits")).value();
  for (std::size_t bin = 0; bin < frame.flux.size(); ++bin) {
    ASSERT_TRUE(std::isfinite(frame.flux[bin]));
    ASSERT_TRUE(std::isfinite(frame.ivar[bin]));
  }
}

TEST_F(ProductTest, AFrameIsTheSameCompressedOrRunAgain) {
  run(spec_of("frame.fits"));
  run(spec_of("again.fits"));
  run(spec_of("frame.fits.gz"));
  const compare::Tolerances exact = {
      .flux_sigma = 0, .ivar = 0, .resolution = 0, .chi2pix = 0, .wavelength = 0};
  for (const char* other : {"again.fits", "frame.fits.gz"}) {
    const auto difference = compare::diff_frames(path("frame.fits"), path(other), exact);
    ASSERT_TRUE(difference.ok()) << difference.status();
    EXPECT_TRUE(difference->same) << other << "\n" << compare::to_text(*difference);
  }
}

TEST_F(ProductTest, BarycentricCorrectionIsTrueToLightThatIsShifted) {
  v1::ExtractionSpec spec = spec_of("shifted-frame.fits");
  spec.set_barycentric_correction(true);
  run(spec);
  const fits::Frame rest = fits::read_frame(path("shifted-frame.fits")).value();
  const double factor = rest.header.real("HELIOCOR").value();
  EXPECT_NE(factor, 1);

  simulate::ExtractionOptions options;
  options.directory = path("shifted");
  options.first_fibre = 225;
  options.fibres = 50;
  options.wave_min = 6400;
  options.wave_max = 6560;
  options.bad_pixels = 60;
  options.cosmics = 15;
  options.expid = 7;
  options.heliocentric_factor = factor;
  const simulate::ExtractionFiles files = simulate::simulate_extraction(options).value();
  spec.set_image("data:shifted/preproc-r0-00000007.fits");
  run(spec);
  expect_true_to(files.truth, path("shifted-frame.fits"));
}

TEST_F(ProductTest, DesisReadersTakeItAndFindThePullsNormal) {
  run(spec_of("frame.fits"));
  const int code = run_reader(path("frame.fits"), files_.truth);
  if (code == kPeerAbsent) GTEST_SKIP() << "no python3 with astropy and scipy";
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace unfold::physics
