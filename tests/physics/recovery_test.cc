// What extraction does with images whose every electron is known: no noise, or noise that must not
// matter.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/physics/bundle.h"

namespace unfold::physics {
namespace {

using extraction::Mode;
using extraction::Spectra;

/// Light in single bins far from each other, `photons` each: three of every fibre.
simulate::Truth impulses(const SmallCamera& camera, double photons) {
  simulate::Truth truth = light_of(camera, 1);
  std::fill(truth.photons.begin(), truth.photons.end(), 0.0);
  for (int s = 0; s < truth.nspec; ++s) {
    for (const int bin : {18, 60, 97}) {
      truth.photons[static_cast<std::size_t>(s * truth.nwave + bin + s % 5)] = photons;
    }
  }
  return truth;
}

class RecoveryTest : public testing::TestWithParam<Mode> {
 protected:
  const SmallCamera camera_ = small_camera(1, 6500, 120);
  const simulate::Truth truth_ = light_of(camera_, 4);
  const simulate::Scene scene_ = scene_of(camera_, truth_);
  const extraction::Options options_ = options_of(camera_, GetParam());
};

TEST_P(RecoveryTest, WithoutNoiseTheModelIsTheImage) {
  extraction::Options options = options_;
  options.model_image = true;
  const fits::Preproc image = noiseless(scene_);
  const Spectra spectra = extract(camera_, image, options);
  for (int y = scene_.lit.y_begin; y < scene_.lit.y_end; ++y) {
    for (int x = scene_.lit.x_begin; x < scene_.lit.x_end; ++x) {
      const auto i = static_cast<std::size_t>(y * image.nx + x);
      const double sigma = 1 / std::sqrt(static_cast<double>(image.ivar[i]));
      // A patch does not see all light of the bins next to its own: a seam shows in the model.
      const double tolerance =
          (GetParam() == Mode::kStrips ? 1e-6 : 0.02) * (image.image[i] + sigma);
      ASSERT_NEAR(spectra.model[i], image.image[i], tolerance) << x << ", " << y;
    }
  }
}

TEST_P(RecoveryTest, LightOfOneBinComesBackAsItsColumnOfR) {
  constexpr double kPhotons = 5000;
  const simulate::Truth truth = impulses(camera_, kPhotons);
  const Spectra spectra = extract(camera_, noiseless(scene_of(camera_, truth)), options_);
  const double tolerance = (GetParam() == Mode::kStrips ? 1e-6 : 1e-3) * kPhotons;
  for (int s = 0; s < spectra.n_spec; ++s) {
    for (int i = 0; i < spectra.n_wave; ++i) {
      const double flux = spectra.flux[static_cast<std::size_t>(s * spectra.n_wave + i)];
      const double expected = resolved(spectra, truth, s, i);
      // R has 5 diagonals on each side; what it would hold beyond them is small, not nothing.
      ASSERT_NEAR(flux, expected, expected != 0 ? tolerance : 3e-3 * kPhotons) << s << ", " << i;
    }
  }
}

TEST_P(RecoveryTest, FourTimesTheLightIsFourTimesTheFlux) {
  fits::Preproc image = simulate::expose(scene_, {.seed = 8, .bad_pixels = 20});
  const Spectra once = extract(camera_, image, options_);
  for (float& pixel : image.image) pixel *= 4;
  const Spectra four = extract(camera_, image, options_);
  EXPECT_EQ(four.ivar, once.ivar);
  EXPECT_EQ(four.resolution, once.resolution);
  for (std::size_t bin = 0; bin < once.flux.size(); ++bin) {
    ASSERT_NEAR(four.flux[bin], 4 * once.flux[bin], 1e-9 / std::sqrt(once.ivar[bin] + 1e-30));
  }
}

TEST_P(RecoveryTest, FourTimesTheWeightChangesTheErrorAlone) {
  fits::Preproc image = simulate::expose(scene_, {.seed = 8});
  const Spectra once = extract(camera_, image, options_);
  for (float& ivar : image.ivar) ivar *= 4;
  const Spectra four = extract(camera_, image, options_);
  for (std::size_t bin = 0; bin < once.flux.size(); ++bin) {
    ASSERT_NEAR(four.ivar[bin] / once.ivar[bin], 4, 1e-6);
    ASSERT_NEAR(four.flux[bin], once.flux[bin], 1e-6 / std::sqrt(once.ivar[bin]));
  }
}

TEST_P(RecoveryTest, RowsOfRSumToOneButForWhatLiesBeyondItsDiagonals) {
  const Spectra spectra = extract(camera_, noiseless(scene_), options_);
  simulate::Truth flat = truth_;
  std::fill(flat.photons.begin(), flat.photons.end(), 1.0);
  for (int s = 0; s < spectra.n_spec; ++s) {
    for (int i = spectra.n_diag; i < spectra.n_wave - spectra.n_diag; ++i) {
      // The reference's own R of c01_plain: up to 1.4e-3 away from 1.
      ASSERT_NEAR(resolved(spectra, flat, s, i), 1, 4e-3) << s << ", " << i;
    }
  }
}

TEST_P(RecoveryTest, PixelsThatAreNotFiniteCountAsMaskedAndSpreadNowhere) {
  fits::Preproc image = simulate::expose(scene_, {.seed = 3});
  fits::Preproc masked = image;
  constexpr int kBad = 12;
  for (int k = 0; k < kBad; ++k) {
    const int x = scene_.lit.x_begin + 9 + 13 * k;
    const int y = scene_.lit.y_begin + 20 + 11 * k;
    const auto i = static_cast<std::size_t>(y * image.nx + x);
    masked.mask[i] = 1;
    image.image[i] = k % 3 == 0   ? std::numeric_limits<float>::quiet_NaN()
                     : k % 3 == 1 ? std::numeric_limits<float>::infinity()
                                  : image.image[i];
    if (k % 3 == 2) image.ivar[i] = std::numeric_limits<float>::quiet_NaN();
  }
  const Spectra from_bad = extract(camera_, image, options_);
  const Spectra from_masked = extract(camera_, masked, options_);
  EXPECT_EQ(from_bad.bad_input_pixels, kBad);
  EXPECT_EQ(from_bad.flux, from_masked.flux);
  EXPECT_EQ(from_bad.ivar, from_masked.ivar);
  EXPECT_EQ(from_bad.resolution, from_masked.resolution);
  EXPECT_EQ(from_bad.chi2pix, from_masked.chi2pix);
  EXPECT_TRUE(std::all_of(from_bad.flux.begin(), from_bad.flux.end(),
                          [](double flux) { return std::isfinite(flux); }));
}

TEST_P(RecoveryTest, FibresOffTheCcdKnowNothingAndHarmNoOne) {
  // The CCD ends between fibres 16 and 17; fibre 16's stamps are cut, 18 and beyond are off it.
  SmallCamera cut = camera_;
  cut.psf.npix_x = static_cast<int>(camera_.traces.x.row(0, 16)[0]) + 3;
  cut = remade(cut);
  const Spectra whole = extract(camera_, noiseless(scene_), options_);
  const Spectra spectra =
      extract(cut, noiseless(scene_of(cut, truth_)), options_of(cut, GetParam()));
  const auto at = [&](int s, int i) { return static_cast<std::size_t>(s * spectra.n_wave + i); };
  for (int i = 0; i < spectra.n_wave; ++i) {
    for (int s = 19; s < 25; ++s) {
      ASSERT_NE(spectra.flags[at(s, i)] & extraction::kOffCcd, 0) << s << ", " << i;
      ASSERT_EQ(spectra.flux[at(s, i)], 0);
      ASSERT_EQ(spectra.ivar[at(s, i)], 0);
    }
    for (int s = 0; s < 10; ++s) {
      ASSERT_NEAR(spectra.flux[at(s, i)], whole.flux[at(s, i)],
                  1e-6 / std::sqrt(whole.ivar[at(s, i)]));
    }
    ASSERT_GT(spectra.ivar[at(15, i)], 0);
  }
  EXPECT_TRUE(std::all_of(spectra.flux.begin(), spectra.flux.end(),
                          [](double flux) { return std::isfinite(flux); }));
}

TEST_P(RecoveryTest, WavelengthsOffTheCcdKnowNothingAndHarmNoOne) {
  // The CCD's last row is the one of bin 80 or so.
  SmallCamera cut = camera_;
  cut.psf.npix_y = camera_.psf.npix_y - 90;
  cut = remade(cut);
  const Spectra whole = extract(camera_, noiseless(scene_), options_);
  const Spectra spectra =
      extract(cut, noiseless(scene_of(cut, truth_)), options_of(cut, GetParam()));
  int off = 0;
  for (int s = 0; s < spectra.n_spec; ++s) {
    for (int i = 0; i < spectra.n_wave; ++i) {
      const auto bin = static_cast<std::size_t>(s * spectra.n_wave + i);
      ASSERT_TRUE(std::isfinite(spectra.flux[bin]));
      if ((spectra.flags[bin] & extraction::kOffCcd) != 0) {
        ++off;
        ASSERT_EQ(spectra.ivar[bin], 0);
      } else if (i < 30) {
        ASSERT_NEAR(spectra.flux[bin], whole.flux[bin], 1e-3 / std::sqrt(whole.ivar[bin]));
      }
    }
  }
  EXPECT_GT(off, 25 * 20);
  EXPECT_LT(off, 25 * 60);
}

INSTANTIATE_TEST_SUITE_P(Modes, RecoveryTest, testing::Values(Mode::kPatches, Mode::kStrips),
                         [](const auto& mode) {
                           return mode.param == Mode::kPatches ? "Patches" : "Strips";
                         });

class IndependenceTest : public testing::TestWithParam<Mode> {};

TEST_P(IndependenceTest, ABundleAloneHasTheBitsItHasAmongOthers) {
  const SmallCamera camera = small_camera(3, 6500, 60);
  const fits::Preproc image = simulate::expose(scene_of(camera, light_of(camera, 6)),
                                               {.seed = 2, .cosmics = 5, .bad_pixels = 50});
  const Spectra all = extract(camera, image, options_of(camera, GetParam()));
  for (const int bundle : {0, 1, 2}) {
    extraction::Options options = options_of(camera, GetParam());
    options.spec_min = 25 * bundle;
    options.n_spec = 25;
    const Spectra alone = extract(camera, image, options);
    const auto first = static_cast<std::ptrdiff_t>(25 * bundle * 60);
    EXPECT_TRUE(std::equal(alone.flux.begin(), alone.flux.end(), all.flux.begin() + first));
    EXPECT_TRUE(std::equal(alone.ivar.begin(), alone.ivar.end(), all.ivar.begin() + first));
    EXPECT_TRUE(
        std::equal(alone.chi2pix.begin(), alone.chi2pix.end(), all.chi2pix.begin() + first));
    EXPECT_TRUE(std::equal(alone.resolution.begin(), alone.resolution.end(),
                           all.resolution.begin() + first * (2 * all.n_diag + 1)));
  }
}

TEST_P(IndependenceTest, LightOfOneBundleDoesNotReachAnother) {
  const SmallCamera camera = small_camera(2, 6500, 60);
  simulate::Truth truth = light_of(camera, 6);
  std::fill(truth.photons.begin() + 25 * 60, truth.photons.end(), 0.0);
  fits::Preproc image = noiseless(scene_of(camera, truth));
  const Spectra spectra = extract(camera, image, options_of(camera, GetParam()));
  for (std::size_t bin = 25 * 60; bin < spectra.flux.size(); ++bin) {
    ASSERT_EQ(spectra.flux[bin], 0) << bin;
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, IndependenceTest, testing::Values(Mode::kPatches, Mode::kStrips),
                         [](const auto& mode) {
                           return mode.param == Mode::kPatches ? "Patches" : "Strips";
                         });

}  // namespace
}  // namespace unfold::physics
