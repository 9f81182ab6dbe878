#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/on_device.h"
#include "tests/workers/kernels/spi/matching_problem.h"
#include "workers/kernels/spi/device/match.h"
#include "workers/kernels/spi/device/near.h"
#include "workers/kernels/spi/device_tasks.h"

// Single-particle matching on any device against the host's.
namespace unfold::test {

using namespace spi;  // NOLINT(google-build-using-namespace): a suite's own file

/// Of a score, relative: both are float terms summed in double (docs/numerics-spi.md).
inline constexpr double kScoreTolerance = 1e-5;

struct Tiles {
  Index frames = 16, references = 64, block = 1000;
};

template <class D>
class DeviceMatching : public OnDevice<D> {
 protected:
  static constexpr Index kGrid = 13, kSide = 15;

  DeviceMatching() {
    slicer_.set(View<const double, 3>(a_.data(), kGrid, kGrid, kGrid));
    for (std::size_t p = 0; p < detector_.mask.size(); ++p) {
      background_.push_back(0.2f + 0.1f * static_cast<float>(p % 7));
    }
    made_ = made_frames(37, 400, a_, kGrid, detector_);
    double total = 0;
    for (std::uint32_t p = 0; p < detector_.mask.size(); ++p) {
      if (detector_.mask[p] != PixelClass::kBad)
        total += direct_slice(a_, kGrid, detector_, made_.truth[0], p);
    }
    for (double& phi : made_.fluence) phi *= 400 / total;
  }

  Matches found(const PatternSet& frames, const MatchOptions& options, const Tiles& tiles = {}) {
    D device(0);
    const FrameSet<D> set(device, frames_task(frames));
    MatchInput input(cpu_, frames, slicer_, references_, options);
    MatchTask task = input.task();
    task.tile_frames = tiles.frames;
    task.tile_references = tiles.references;
    task.block_references = tiles.block;
    Matching<D>(device, set, task).run();
    return std::move(input).answer();
  }

  void expect_like_host(const PatternSet& frames, const MatchOptions& options,
                        const Tiles& tiles = {}) {
    const Matches here = found(frames, options, tiles);
    const Matches there = match(cpu_, frames, slicer_, references_, options);
    ASSERT_EQ(here.score.size(), there.score.size());
    std::size_t others = 0;
    for (std::size_t k = 0; k < here.score.size(); ++k) {
      const double tolerance = kScoreTolerance * std::abs(double{there.score[k]}) + 1e-5;
      EXPECT_NEAR(here.score[k], there.score[k], tolerance) << k;
      others += here.reference[k] != there.reference[k];
    }
    // Only where two scores are as good as equal.
    EXPECT_LE(others, here.score.size() / 50);
  }

  /// Two starts a frame by seven turns.
  void expect_near_like_host(const PatternSet& frames, const MatchOptions& options) {
    std::vector<Quaternion> start, turns = {{1, 0, 0, 0}};
    for (std::uint64_t c = 0; c < 6; ++c) turns.push_back(random_rotation(31, 0, c));
    for (Index i = 0; i < 2 * frames.frames(); ++i)
      start.push_back(random_rotation(32, 0, static_cast<std::uint64_t>(i)));
    D device(0);
    const FrameSet<D> set(device, frames_task(frames));
    NearInput input(cpu_, frames, slicer_, start, 2, turns, options);
    const NearTask task = input.task();
    NearMatching<D>(device, set, task).run();
    const LocalMatches here = input.answer();
    const LocalMatches there = match_near(cpu_, frames, slicer_, start, 2, turns, options);
    ASSERT_EQ(here.score.size(), there.score.size());
    std::size_t others = 0;
    for (std::size_t k = 0; k < here.score.size(); ++k) {
      EXPECT_NEAR(here.score[k], there.score[k],
                  kScoreTolerance * std::abs(double{there.score[k]}) + 1e-5);
      others += angle_between(here.rotation[k], there.rotation[k]) > 1e-6;
    }
    EXPECT_LE(others, here.score.size() / 50);
  }

  MatchOptions of(Metric metric) const {
    MatchOptions options{.metric = metric, .top = 5};
    options.euclid_scale = 0.02;
    return options;
  }

  compute::Cpu cpu_{1};
  Detector detector_ = made_detector(kSide);
  std::vector<double> a_ = made_autocorrelation(kGrid, 4);
  std::vector<float> background_;
  MadeFrames made_;
  Slicer slicer_{cpu_, kGrid, detector_, 1e-6};
  std::vector<Quaternion> references_ = reference_rotations(303, random_rotation(1, 1, 1));
};
TYPED_TEST_SUITE_P(DeviceMatching);

TYPED_TEST_P(DeviceMatching, FindsWhatTheHostFindsByEveryMetric) {
  for (const Metric metric : {Metric::kPoisson, Metric::kSqrt, Metric::kEuclid}) {
    this->expect_like_host(this->made_.set, this->of(metric));
  }
}
TYPED_TEST_P(DeviceMatching, FindsTheSameWithABackground) {
  MatchOptions options = this->of(Metric::kPoisson);
  options.background = this->background_;
  options.fluence = this->made_.fluence;
  this->expect_like_host(this->made_.set, options);
  options.fluence = {};
  this->expect_like_host(this->made_.set, options);
}
TYPED_TEST_P(DeviceMatching, FindsWhatTheHostFindsNearItsStarts) {
  for (const Metric metric : {Metric::kPoisson, Metric::kSqrt, Metric::kEuclid}) {
    this->expect_near_like_host(this->made_.set, this->of(metric));
  }
  MatchOptions options = this->of(Metric::kPoisson);
  this->expect_near_like_host(this->made_.set.to_sparse(), options);
  options.background = this->background_;
  this->expect_near_like_host(this->made_.set, options);
  options.fluence = this->made_.fluence;
  this->expect_near_like_host(this->made_.set, options);
}
TYPED_TEST_P(DeviceMatching, FindsTheSameWithinALimitInQ) {
  MatchOptions options = this->of(Metric::kPoisson);
  options.qlimit = this->detector_.qmax / 2;
  this->expect_like_host(this->made_.set, options);
}
TYPED_TEST_P(DeviceMatching, HasTheSameBitsHoweverFramesAreHeld) {
  const PatternSet& counts = this->made_.set;
  std::vector<float> values(static_cast<std::size_t>(counts.frames() * counts.pixels()));
  counts.rows(0, counts.frames(), View<float, 2>(values.data(), counts.frames(), counts.pixels()));
  const PatternSet floats = PatternSet::dense(counts.frames(), counts.pixels(), std::move(values));
  for (const Metric metric : {Metric::kPoisson, Metric::kSqrt}) {
    const Matches dense = this->found(counts, this->of(metric));
    const Matches same = this->found(floats, this->of(metric));
    EXPECT_EQ(dense.reference, same.reference);
    EXPECT_EQ(dense.score, same.score);
    this->expect_like_host(counts.to_sparse(), this->of(metric));
  }
}
TYPED_TEST_P(DeviceMatching, HasTheSameAnswerForAnyTiles) {
  const MatchOptions options = this->of(Metric::kPoisson);
  const Matches once = this->found(this->made_.set, options);
  for (const Tiles tiles : {Tiles{1, 303, 303}, Tiles{37, 8, 64}, Tiles{64, 1000, 100}}) {
    const Matches again = this->found(this->made_.set, options, tiles);
    EXPECT_EQ(again.reference, once.reference);
    EXPECT_EQ(again.score, once.score);
  }
}
TYPED_TEST_P(DeviceMatching, ScalesFramesThatSixteenBitsDoNotHold) {
  std::vector<float> values(static_cast<std::size_t>(37 * this->detector_.pixels()));
  this->made_.set.rows(0, 37, View<float, 2>(values.data(), 37, this->detector_.pixels()));
  for (const float unit : {1e-7f, 1e7f}) {
    std::vector<float> scaled = values;
    for (float& k : scaled) k *= unit;
    const PatternSet frames = PatternSet::dense(37, this->detector_.pixels(), std::move(scaled));
    const Matches here = this->found(frames, this->of(Metric::kPoisson));
    const Matches plain = this->found(this->made_.set, this->of(Metric::kPoisson));
    EXPECT_EQ(here.reference, plain.reference);
  }
}
TYPED_TEST_P(DeviceMatching, LeavesPlacesFreeWhereReferencesAreFewerThanAsked) {
  this->references_.resize(3);
  const Matches few = this->found(this->made_.set, this->of(Metric::kPoisson));
  const Matches host = match(this->cpu_, this->made_.set, this->slicer_, this->references_,
                             this->of(Metric::kPoisson));
  EXPECT_EQ(few.reference, host.reference);
  EXPECT_EQ(few.reference[3], -1);
}

REGISTER_TYPED_TEST_SUITE_P(DeviceMatching, FindsWhatTheHostFindsByEveryMetric,
                            FindsTheSameWithABackground, FindsWhatTheHostFindsNearItsStarts,
                            FindsTheSameWithinALimitInQ, HasTheSameBitsHoweverFramesAreHeld,
                            HasTheSameAnswerForAnyTiles, ScalesFramesThatSixteenBitsDoNotHold,
                            LeavesPlacesFreeWhereReferencesAreFewerThanAsked);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceMatching
