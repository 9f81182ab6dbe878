#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/cuda_modules.h"
#include "tests/support/made_patterns.h"
#include "workers/cuda/match_device.h"
#include "workers/kernels/spi/reconstruct.h"

namespace unfold::test {
namespace {

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return ab / std::sqrt(aa * bb);
}

/// Whole jobs, too small to find anything, that search on a device.
template <class Module>
class JobOnDevice : public testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    settings_.run.grid = 15;
    settings_.run.max_generations = 5;
    settings_.run.coarse_references = 300;
    settings_.phasing_starts = 4;
  }
  spi::Result run(spi::MatchDevice* device) {
    settings_.run.match_device = device;
    return spi::reconstruct(cpu_, frames_, detector_, settings_, alone_, {});
  }

  spi::Detector detector_ = made_square_detector(12);
  spi::PatternSet frames_ = made_patterns(detector_, {made_blobs(1, 8, 3)}, 40, 300, 3).frames;
  spi::Settings settings_;
  compute::Cpu cpu_{1};
  compute::SoloCommunicator alone_;
};
using Modules = testing::Types<EmulatedGpu, RealGpu>;
TYPED_TEST_SUITE(JobOnDevice, Modules);

TYPED_TEST(JobOnDevice, EndsAsTheHostsDoes) {
  std::vector<std::string> notes;
  const auto device = cuda::make_match_device(
      TypeParam::gpu(), [&](const std::string& note) { notes.push_back(note); });
  const spi::Result here = this->run(device.get()), there = this->run(nullptr);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(here.verdict, there.verdict);
  ASSERT_EQ(here.maps.size(), there.maps.size());
  // Rounding takes other ways through phasing, and some frames with it (docs/numerics-spi.md).
  EXPECT_GT(correlation(here.estimate.fluence, there.estimate.fluence), 0.99);
}

TYPED_TEST(JobOnDevice, HasTheSameBitsEachTime) {
  const auto device = cuda::make_match_device(TypeParam::gpu(), {});
  const spi::Result once = this->run(device.get()), again = this->run(device.get());
  EXPECT_EQ(once.maps[0].density, again.maps[0].density);
  EXPECT_EQ(once.estimate.orientation, again.estimate.orientation);
}

}  // namespace
}  // namespace unfold::test
