#include "workers/kernels/spi/evidence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/made_patterns.h"
#include "workers/kernels/spi/radial.h"

namespace unfold::test {
namespace {

using spi::Gain;
using spi::Index;

constexpr Index kGrid = 17;

/// A model for slices, at any scale: only its shape counts.
std::vector<double> model_of(const Blobs& blobs) {
  return autocorrelation(kGrid, volume_of_blobs(kGrid, blobs));
}

struct Asked {
  spi::Detector detector = made_square_detector(14);
  std::vector<spi::Quaternion> references = spi::reference_rotations(1500, {1, 0, 0, 0});
  compute::Cpu cpu{2};

  std::vector<double> predict(const spi::PatternSet& frames,
                              const std::vector<std::vector<double>>& models) {
    return spi::predict(cpu, frames, detector, kGrid, models, references, {}, 1).log_evidence;
  }
  std::vector<double> radial(const spi::PatternSet& frames) {
    spi::MatchOptions options;
    options.qlimit = spi::full_qlimit(detector);
    const auto mean = spi::radial_mean(cpu, frames, detector, {}, {});
    return spi::pattern_scores(cpu, frames, detector, mean, options);
  }
};

Gain difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return spi::gain_of(a);
}

TEST(EvidenceTest, TheTrueModelPredictsBetterThanTheRadialMean) {
  Asked ask;
  const Blobs blobs = made_blobs(1, 8, 3);
  const auto frames = made_patterns(ask.detector, {blobs}, 60, 400, 3).frames;
  const Gain gain = difference(ask.predict(frames, {model_of(blobs)}), ask.radial(frames));
  EXPECT_GT(gain.mean, 5 * gain.error);
}

TEST(EvidenceTest, AnotherModelPredictsWorseThanTheRadialMeanOnFramesWithoutStructure) {
  Asked ask;
  const auto frames = made_patterns(ask.detector, {Blobs{{{0, 0, 0}, 1, 1.5}}}, 60, 400, 3).frames;
  const Gain gain =
      difference(ask.predict(frames, {model_of(made_blobs(1, 8, 3))}), ask.radial(frames));
  EXPECT_LT(gain.mean, 0);
}

TEST(EvidenceTest, ASecondMapHelpsOnlyWhereTheFramesShowTwo) {
  Asked ask;
  const Blobs one = made_blobs(1, 8, 3), two = made_blobs(2, 8, 3);
  const auto pure = made_patterns(ask.detector, {one}, 60, 400, 3).frames;
  const auto mixed = made_patterns(ask.detector, {one, two}, 60, 400, 3).frames;
  const Gain alone = difference(ask.predict(pure, {model_of(one), model_of(two)}),
                                ask.predict(pure, {model_of(one)}));
  EXPECT_LT(alone.mean, 0);
  EXPECT_GT(alone.mean, -std::log(2.0) - 1e-3);
  const Gain both = difference(ask.predict(mixed, {model_of(one), model_of(two)}),
                               ask.predict(mixed, {model_of(one)}));
  EXPECT_GT(both.mean, 3 * both.error);
}

TEST(EvidenceTest, ASecondCopyOfAMapIsWorthNothing) {
  Asked ask;
  const Blobs blobs = made_blobs(1, 8, 3);
  const auto frames = made_patterns(ask.detector, {blobs}, 20, 400, 3).frames;
  const auto once = ask.predict(frames, {model_of(blobs)});
  const auto twice = ask.predict(frames, {model_of(blobs), model_of(blobs)});
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(once[i], twice[i], 1e-3);
}

TEST(EvidenceTest, AKnownBackgroundIsPartOfThePrediction) {
  Asked ask;
  const auto model = model_of(made_blobs(1, 8, 3));
  const auto frames = made_patterns(ask.detector, {made_blobs(1, 8, 3)}, 3, 400, 3).frames;
  const auto pixels = static_cast<std::size_t>(ask.detector.pixels());
  const std::vector<float> background(pixels, 0.3f);
  const std::vector<double> fluence{0.5, 1.0, 2.0};
  spi::MatchOptions options;
  options.qlimit = spi::full_qlimit(ask.detector);
  options.background = background;
  options.fluence = fluence;
  const std::vector<spi::Quaternion> only{spi::random_rotation(1, 1, 1)};
  const auto found = spi::predict(ask.cpu, frames, ask.detector, kGrid,
                                  std::vector<std::vector<double>>{model}, only, options, 1);

  std::vector<std::uint32_t> all;
  for (std::uint32_t p = 0; p < pixels; ++p) all.push_back(p);
  spi::Slicer slicer(ask.cpu, kGrid, ask.detector);
  slicer.set(spi::View<const double, 3>(model.data(), kGrid, kGrid, kGrid));
  std::vector<float> slice(pixels), rows(3 * pixels);
  slicer.slices(only, all, spi::View<float, 2>(slice.data(), 1, frames.pixels()));
  frames.rows(0, 3, spi::View<float, 2>(rows.data(), 3, frames.pixels()));
  const auto chosen = spi::matched_pixels(ask.detector, options.qlimit);
  float top = 0;
  for (std::size_t p = 0; p < pixels; ++p) top = chosen[p] != 0 ? std::max(top, slice[p]) : top;
  for (std::size_t i = 0; i < 3; ++i) {
    double expected = 0;
    for (std::size_t p = 0; p < pixels; ++p) {
      if (chosen[p] == 0) continue;
      const double m = fluence[i] * double{std::max(slice[p], spi::kModelFloor * top)};
      expected += double{rows[i * pixels + p]} * std::log(m + 0.3) - m;
    }
    EXPECT_NEAR(found.log_evidence[i], expected, 1e-5 * std::abs(expected));
  }
}

}  // namespace
}  // namespace unfold::test
