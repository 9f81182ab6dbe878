#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/on_device.h"
#include "tests/workers/kernels/spi/merge_problem.h"
#include "workers/kernels/spi/device/sum_rotations.h"

// Frames summed by rotation on any device, against the host's sums (sum_frames_test.cc has theirs).
namespace unfold::test {

using namespace spi;  // NOLINT(google-build-using-namespace): a suite's own file

/// Of the largest value: both sum in double and round to float once; devices contract products.
inline constexpr double kSumTolerance = 1e-6;

inline FramesTask frames_of(const PatternSet& frames) {
  const PatternSet::Held held = frames.held();
  const auto here = [](const auto& all) { return all.empty() ? nullptr : all.data(); };
  return {.frames = frames.frames(),
          .pixels = frames.pixels(),
          .counts = here(held.counts),
          .values = here(held.values),
          .first = here(held.first),
          .pixel = held.pixel.data(),
          .count = held.count.data()};
}

/// Sums on `D`, `most` values at a time (0: as asked), frames of a subset from their origin
/// `whole`.
template <class D>
class SumsOn final : public SumDevice {
 public:
  explicit SumsOn(compute::Index most, const PatternSet* whole = nullptr)
      : most_(most), whole_(whole) {}
  bool sum(const PatternSet& frames, const SumTask& task) override {
    asked = true;
    SumTask mine = task;
    if (most_ > 0) mine.most = most_;
    const FrameSet<D> set(device_, frames_of(whole_ != nullptr ? *whole_ : frames));
    const auto from = frames.origin().frames;
    const std::vector<std::int32_t> place(from.begin(), from.end());
    const FrameSet<D> shared(device_, set, whole_ != nullptr ? place.data() : nullptr,
                             frames.frames());
    sum_rotations(device_, shared, mine);
    return true;
  }
  bool asked = false;

 private:
  D device_{0};
  compute::Index most_;
  const PatternSet* whole_;
};

template <class D>
class DeviceSums : public OnDevice<D> {
 protected:
  static constexpr Index kEdge = 9, kFrames = 33;

  /// As lists, as counts, as floats.
  static std::vector<PatternSet> kinds() {
    std::vector<std::uint16_t> counts;
    for (std::uint64_t n = 0; n < kFrames * kEdge * kEdge; ++n) {
      counts.push_back(static_cast<std::uint16_t>(compute::Random(7, 0, n).poisson(0.8)));
    }
    std::vector<float> values(counts.begin(), counts.end());
    for (float& value : values) value *= 0.3f;
    const PatternSet whole = PatternSet::dense(kFrames, kEdge * kEdge, std::move(counts));
    const PatternSet floats = PatternSet::dense(kFrames, kEdge * kEdge, std::move(values));
    return {whole.to_sparse(), whole, floats};
  }
  /// Frame i at two rotations out of order; some rotations get none, one gets most.
  static std::vector<Assignment> assignments() {
    std::vector<Assignment> out;
    for (Index i = kFrames - 1; i >= 0; --i) {
      out.push_back({i, static_cast<std::int32_t>(i % 5 == 0 ? i % 7 : 3), 0.75f});
      out.push_back({i, static_cast<std::int32_t>((3 * i) % 8), i % 4 == 0 ? 0.0f : 0.25f});
    }
    return out;
  }
  Merged sum(const PatternSet& frames, MergeWeight weight, SumDevice* device) {
    return sum_frames(cpu_, frames, detector_, rotations_, assignments(), fluence_, background_,
                      weight, device);
  }
  void expect_like_host(const PatternSet& frames, MergeWeight weight, compute::Index most = 0) {
    SumsOn<D> device(most);
    const Merged here = sum(frames, weight, &device), there = sum(frames, weight, nullptr);
    ASSERT_TRUE(device.asked);
    EXPECT_EQ(here.rotation, there.rotation);
    EXPECT_EQ(here.weight, there.weight);
    ASSERT_EQ(here.value.size(), there.value.size());
    float largest = 0;
    for (const float v : there.value) largest = std::max(largest, std::abs(v));
    for (std::size_t n = 0; n < there.value.size(); ++n) {
      ASSERT_NEAR(here.value[n], there.value[n], kSumTolerance * double{largest}) << n;
    }
  }

  compute::Cpu cpu_{1};
  Detector detector_ = small_detector(kEdge);
  std::vector<Quaternion> rotations_ = random_rotations(10, 1);
  std::vector<double> fluence_ = std::vector<double>(kFrames, 1.25);
  std::vector<float> background_ = std::vector<float>(kEdge * kEdge, 0.125f);
};
TYPED_TEST_SUITE_P(DeviceSums);

TYPED_TEST_P(DeviceSums, AreTheHostsHoweverFramesAreHeld) {
  for (const PatternSet& frames : this->kinds()) {
    this->expect_like_host(frames, MergeWeight::kPoisson);
    this->expect_like_host(frames, MergeWeight::kLeastSquares);
  }
}
TYPED_TEST_P(DeviceSums, AreTheHostsWithoutFluencesOrBackground) {
  this->fluence_.clear();
  this->background_.clear();
  this->expect_like_host(this->kinds()[1], MergeWeight::kPoisson);
}
TYPED_TEST_P(DeviceSums, AreTheSameForAnyNumberAtATime) {
  for (const compute::Index most : {1, 100, 200}) {
    this->expect_like_host(this->kinds()[1], MergeWeight::kPoisson, most);
  }
}
TYPED_TEST_P(DeviceSums, OfASubsetAreTakenFromTheWholeSet) {
  for (const PatternSet& frames : this->kinds()) {
    const Index few[] = {30, 2, 17};
    const Assignment each[] = {{0, 1, 1.0f}, {1, 1, 0.5f}, {2, 0, 1.0f}};
    const PatternSet some = frames.subset(few);
    SumsOn<TypeParam> device(0, &frames);
    const auto sum = [&](SumDevice* on) {
      return sum_frames(this->cpu_, some, this->detector_, this->rotations_, each, {}, {},
                        MergeWeight::kPoisson, on);
    };
    const Merged here = sum(&device), there = sum(nullptr);
    ASSERT_TRUE(device.asked);
    for (std::size_t n = 0; n < there.value.size(); ++n) {
      ASSERT_NEAR(here.value[n], there.value[n], 1e-5);
    }
  }
}

REGISTER_TYPED_TEST_SUITE_P(DeviceSums, AreTheHostsHoweverFramesAreHeld,
                            AreTheHostsWithoutFluencesOrBackground, AreTheSameForAnyNumberAtATime,
                            OfASubsetAreTakenFromTheWholeSet);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceSums
