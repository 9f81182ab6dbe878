// Whether flux, error and resolution matrix say the same about the truth: over many noise
// realisations of one bundle the pulls (FLUX - R truth) * sqrt(IVAR) are normal and uncorrelated.
// Issue 2, item 2 of what it must show. UNFOLD_LONG=1 takes 200 realisations.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "absl/strings/str_format.h"
#include "common/compare/pulls.h"
#include "common/formats/fits/psf.h"
#include "tests/physics/bundle.h"
#include "tests/physics/pull_statistics.h"
#include "tests/support/shared_data.h"

namespace unfold::physics {
namespace {

using extraction::Mode;

constexpr int kSubbundle = 5;  // fibres
constexpr int kPatch = 50;     // bins
constexpr int kBins = 6 * kPatch;
constexpr double kMeanLimit = 0.02;
constexpr double kDeviationLimit = 0.03;
constexpr double kCorrelationLimit = 0.03;
constexpr double kSigmas = 4;  // of the sample's own error, granted on top

bool long_run() {
  const char* set = std::getenv("UNFOLD_LONG");
  return set != nullptr && std::strcmp(set, "0") != 0;
}
int realisations() { return long_run() ? 200 : 16; }

enum Class { kClean, kBesideMasked, kAtPatchSeam, kAtSubbundleSeam, kClasses };
constexpr std::array<const char*, kClasses> kClassNames = {"clean", "beside masked pixels",
                                                           "at patch seams", "at subbundle seams"};

/// What a set of realisations says.
struct Survey {
  std::array<Moments, kClasses> pulls;
  std::array<Correlation, kClasses> along;   // with the next bin
  std::array<Correlation, kClasses> across;  // with the next fibre
  double chi2 = 0;
  std::int64_t chi2_bins = 0;
};

/// Adds one realisation's pulls [nspec, nwave] (NaN where a bin is not good) to the classes.
class Classifier {
 public:
  Classifier(const SmallCamera& camera, const extraction::Spectra& spectra,
             const std::vector<double>& pulls)
      : nwave_(camera.grid.size), nspec_(camera.fibres), spectra_(&spectra), pulls_(&pulls) {}

  void add_to(Survey& survey) const {
    for (int s = 0; s < nspec_; ++s) {
      for (int i = 0; i < nwave_; ++i) {
        if (std::isnan(pull(s, i))) continue;
        survey.pulls[bin_class(s, i)].add(pull(s, i));
        if (i + 1 < nwave_ && !std::isnan(pull(s, i + 1))) {
          survey.along[along_class(s, i)].add(pull(s, i), pull(s, i + 1));
        }
        if ((s + 1) % 25 != 0 && s + 1 < nspec_ && !std::isnan(pull(s + 1, i))) {
          survey.across[across_class(s, i)].add(pull(s, i), pull(s + 1, i));
        }
      }
    }
  }

 private:
  std::size_t at(int s, int i) const { return static_cast<std::size_t>(s * nwave_ + i); }
  double pull(int s, int i) const { return (*pulls_)[at(s, i)]; }
  bool masked(int s, int i) const { return spectra_->pixmask_fraction[at(s, i)] > 1e-6; }
  static bool ends_patch(int i) { return (i + 1) % kPatch == 0; }
  static bool ends_subbundle(int s) { return (s + 1) % kSubbundle == 0; }

  std::size_t bin_class(int s, int i) const {
    if (masked(s, i)) return kBesideMasked;
    if (ends_patch(i) || i % kPatch == 0) return kAtPatchSeam;
    if (ends_subbundle(s) || s % kSubbundle == 0) return kAtSubbundleSeam;
    return kClean;
  }
  std::size_t along_class(int s, int i) const {
    if (masked(s, i) || masked(s, i + 1)) return kBesideMasked;
    return ends_patch(i) ? kAtPatchSeam : kClean;
  }
  std::size_t across_class(int s, int i) const {
    if (masked(s, i) || masked(s + 1, i)) return kBesideMasked;
    return ends_subbundle(s) ? kAtSubbundleSeam : kClean;
  }

  int nwave_;
  int nspec_;
  const extraction::Spectra* spectra_;
  const std::vector<double>* pulls_;
};

Survey survey_of(const SmallCamera& camera, Mode mode, int count, double ivar_factor) {
  const simulate::Truth truth = light_of(camera, 20);
  const simulate::Scene scene = scene_of(camera, truth);
  const extraction::Options options = options_of(camera, mode);
  Survey survey;
  for (int k = 0; k < count; ++k) {
    const fits::Preproc image =
        simulate::expose(scene, {.seed = 1000 + static_cast<std::uint64_t>(k),
                                 .cosmics = 12,
                                 .bad_columns = 1,
                                 .bad_pixels = 60});
    const extraction::Spectra spectra = extract(camera, image, options);
    fits::Frame frame = frame_of(camera, spectra);
    for (float& ivar : frame.ivar) ivar *= static_cast<float>(ivar_factor);
    const std::vector<double> pulls = compare::pulls_of(frame, truth).value();
    Classifier(camera, spectra, pulls).add_to(survey);
    for (std::size_t bin = 0; bin < frame.mask.size(); ++bin) {
      if (frame.mask[bin] != 0) continue;
      survey.chi2 += static_cast<double>(frame.chi2pix[bin]);
      ++survey.chi2_bins;
    }
  }
  return survey;
}

double mean_chi2(const Survey& survey) {
  return survey.chi2 / static_cast<double>(survey.chi2_bins);
}

std::string text_of(const char* what, const Correlation& correlation) {
  if (correlation.count() == 0) return "";
  return absl::StrFormat(", %s %+.4f +- %.4f", what, correlation.value(), correlation.error());
}

std::string report(const Survey& survey) {
  std::string out;
  for (std::size_t k = 0; k < kClasses; ++k) {
    const Moments& m = survey.pulls[k];
    absl::StrAppendFormat(&out, "%-21s %8d bins: mean %+.4f +- %.4f, sd %.4f +- %.4f%s%s\n",
                          kClassNames[k], m.count(), m.mean(), m.mean_error(), m.deviation(),
                          m.deviation_error(), text_of("with the next bin", survey.along[k]),
                          text_of("with the next fibre", survey.across[k]));
  }
  absl::StrAppendFormat(&out, "mean chi2pix %.4f over %d good bins\n", mean_chi2(survey),
                        survey.chi2_bins);
  return out;
}

SmallCamera own_camera() { return small_camera(1, 6400, kBins); }

void expect_normal(const Survey& survey) {
  for (std::size_t k = 0; k < kClasses; ++k) {
    const Moments& pulls = survey.pulls[k];
    ASSERT_GT(pulls.count(), 1000) << kClassNames[k];
    EXPECT_LT(std::abs(pulls.mean()), kMeanLimit + kSigmas * pulls.mean_error()) << kClassNames[k];
    EXPECT_LT(std::abs(pulls.deviation() - 1), kDeviationLimit + kSigmas * pulls.deviation_error())
        << kClassNames[k];
    EXPECT_LT(std::abs(survey.along[k].value()),
              kCorrelationLimit + kSigmas * survey.along[k].error())
        << kClassNames[k] << ", next bin";
    EXPECT_LT(std::abs(survey.across[k].value()),
              kCorrelationLimit + kSigmas * survey.across[k].error())
        << kClassNames[k] << ", next fibre";
  }
  // Below 1, as chi2pix counts no degrees of freedom: a bin's own pixels, weighted by its light,
  // lose about sum A^3 / sum A^2 = 0.09 to the bin itself and as much again to its neighbours.
  EXPECT_GT(mean_chi2(survey), 0.76);
  EXPECT_LT(mean_chi2(survey), 0.86);
}

class PullTest : public testing::TestWithParam<Mode> {};

TEST_P(PullTest, AreNormalAndUncorrelatedOnEveryKindOfBin) {
  const Survey survey = survey_of(own_camera(), GetParam(), realisations(), 1);
  std::cout << report(survey);
  expect_normal(survey);
}

TEST_P(PullTest, AreSoWithARealPsf) {
  const auto file = test::shared_file("data/extraction/psf-r0-00051060.fits");
  if (file.empty()) GTEST_SKIP() << "no shared data";
  const fits::Psf psf = fits::read_psf(file.string()).value();
  const Survey survey = survey_of(small_camera(psf, 1, 6900, kBins), GetParam(), realisations(), 1);
  std::cout << report(survey);
  expect_normal(survey);
}

TEST_P(PullTest, WouldShowAnErrorThatIsATenthTooSmall) {
  const Survey survey = survey_of(own_camera(), GetParam(), 4, 1.21);
  const Moments& pulls = survey.pulls[kClean];
  EXPECT_GT(std::abs(pulls.deviation() - 1), kDeviationLimit + kSigmas * pulls.deviation_error());
}

INSTANTIATE_TEST_SUITE_P(Modes, PullTest, testing::Values(Mode::kPatches, Mode::kStrips),
                         [](const auto& mode) {
                           return mode.param == Mode::kPatches ? "Patches" : "Strips";
                         });

}  // namespace
}  // namespace unfold::physics
