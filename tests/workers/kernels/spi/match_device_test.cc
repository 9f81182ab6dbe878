#include "workers/cuda/match_device.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/spi/matching_problem.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/merging.h"

namespace unfold::cuda {
namespace {

using namespace spi;  // NOLINT(google-build-using-namespace): a suite's own file

/// match() with a device beside match() without.
template <class Module>
class MatchDeviceTest : public testing::Test {
 protected:
  static constexpr Index kGrid = 13;

  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    slicer_.set(View<const double, 3>(a_.data(), kGrid, kGrid, kGrid));
    match_device_ = make_match_device(
        Module::gpu(), [this](const std::string& why_not) { notes_.push_back(why_not); });
  }

  Matches found(const PatternSet& frames, bool on_device) {
    const MatchOptions options{.top = 3, .device = on_device ? match_device_.get() : nullptr};
    return spi::match(cpu_, frames, slicer_, references_, options);
  }
  void expect_alike(const PatternSet& frames) {
    const Matches here = found(frames, true), there = found(frames, false);
    ASSERT_EQ(here.reference, there.reference);
    for (std::size_t k = 0; k < here.score.size(); ++k) {
      EXPECT_NEAR(here.score[k], there.score[k], 1e-5 * std::abs(double{there.score[k]}));
    }
  }
  unsigned long long free_bytes() {
    const Gpu gpu = Module::gpu();
    DeviceInfo info;
    require(gpu.module->describe(gpu.ordinal, &info));
    return info.free_bytes;
  }

  compute::Cpu cpu_{1};
  Detector detector_ = made_detector(15);
  std::vector<double> a_ = made_autocorrelation(kGrid, 4);
  MadeFrames made_ = made_frames(20, 400, a_, kGrid, detector_);
  Slicer slicer_{cpu_, kGrid, detector_};
  std::vector<Quaternion> references_ = reference_rotations(200, random_rotation(1, 1, 1));
  std::vector<std::string> notes_;
  std::unique_ptr<MatchDevice> match_device_;
};
using Modules = testing::Types<test::EmulatedGpu, test::RealGpu>;
TYPED_TEST_SUITE(MatchDeviceTest, Modules);

TYPED_TEST(MatchDeviceTest, FindsWhatTheHostFinds) {
  this->expect_alike(this->made_.set);
  this->expect_alike(this->made_.set.to_sparse());
  EXPECT_TRUE(this->notes_.empty());
}

TYPED_TEST(MatchDeviceTest, TellsSetsApart) {
  const Index few[] = {3, 4, 5};
  const PatternSet some = this->made_.set.subset(few);
  this->expect_alike(this->made_.set);
  this->expect_alike(some);
  this->expect_alike(this->made_.set);
}

TYPED_TEST(MatchDeviceTest, KeepsFramesAsLongAsTheirSetLives) {
  this->expect_alike(this->made_.set);
  const auto before = this->free_bytes();
  for (int round = 0; round < 20; ++round) {
    const PatternSet again = this->made_.set.to_sparse();
    this->found(again, true);
  }
  this->found(this->made_.set, true);
  EXPECT_EQ(this->free_bytes(), before);
}

TYPED_TEST(MatchDeviceTest, TakesSubsetsFromFramesThatAreThere) {
  const Index few[] = {17, 2, 4, 3, 11}, fewer[] = {2, 0};
  for (const PatternSet& all : {this->made_.set, this->made_.set.to_sparse()}) {
    const auto there = std::make_shared<GpuFrames>(TypeParam::gpu(), all);
    this->match_device_ = make_match_device(TypeParam::gpu(), {}, there);
    const PatternSet some = all.subset(few), least = some.subset(fewer);
    const auto before = this->free_bytes();
    this->expect_alike(some);
    this->expect_alike(least);
    this->expect_alike(all);
    EXPECT_LT(before - this->free_bytes(), static_cast<unsigned long long>(least.bytes()));
  }
}

TYPED_TEST(MatchDeviceTest, GivesAllMemoryBack) {
  this->found(this->made_.set, true);
  this->match_device_.reset();
  const auto before = this->free_bytes();
  for (int round = 0; round < 20; ++round) {
    this->match_device_ = make_match_device(TypeParam::gpu(), {});
    this->found(this->made_.set, true);
  }
  this->match_device_.reset();
  EXPECT_EQ(this->free_bytes(), before);
}

TYPED_TEST(MatchDeviceTest, SumsFramesAsTheHostDoes) {
  const Index few[] = {17, 2, 4, 3, 11};
  const std::vector<Quaternion> at = reference_rotations(3, {1, 0, 0, 0});
  const Assignment each[] = {{3, 2, 0.5f}, {0, 1, 1.0f}, {1, 2, 0.25f}, {4, 2, 1.0f}};
  const PatternSet twice =
      PatternSet::sparse(this->detector_.pixels(), {0, 3, 3, 3, 3, 3}, {40, 40, 50}, {1, 1, 2});
  for (const PatternSet& frames : {this->made_.set, this->made_.set.subset(few), twice}) {
    const auto sum = [&](MatchDevice* on) {
      return sum_frames(this->cpu_, frames, this->detector_, at, each, {}, {},
                        MergeWeight::kPoisson, on);
    };
    const Merged here = sum(this->match_device_.get()), there = sum(nullptr);
    EXPECT_EQ(here.weight, there.weight);
    ASSERT_EQ(here.value.size(), there.value.size());
    for (std::size_t n = 0; n < there.value.size(); ++n) {
      EXPECT_NEAR(here.value[n], there.value[n], 1e-6 * std::abs(double{there.value[n]}) + 1e-5);
    }
  }
  EXPECT_EQ(this->notes_.size(), 1U);
}

TYPED_TEST(MatchDeviceTest, LeavesListsThatNameAPixelTwiceToTheHostAndSaysSoOnce) {
  const PatternSet twice =
      PatternSet::sparse(this->detector_.pixels(), {0, 3}, {40, 40, 50}, {1, 1, 2});
  this->expect_alike(twice);
  this->found(twice, true);
  EXPECT_EQ(this->notes_.size(), 1U);
}

}  // namespace
}  // namespace unfold::cuda
