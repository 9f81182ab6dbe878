#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/cuda_modules.h"
#include "tests/support/made_frames.h"
#include "tests/support/made_patterns.h"
#include "tests/workers/kernels/spi/compared_search.h"
#include "workers/cuda/match_device.h"
#include "workers/kernels/spi/reconstruct.h"

// Whole jobs that search on a device. Why they are asked what they are asked:
// docs/numerics-spi.md, "Matching", On a GPU.
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

template <class Module>
class JobOnDevice : public testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    device_ = cuda::make_match_device(Module::gpu(),
                                      [&](const std::string& note) { notes_.push_back(note); });
  }

  std::unique_ptr<spi::MatchDevice> device_;
  std::vector<std::string> notes_;
  compute::Cpu cpu_{1};
  compute::SoloCommunicator alone_;
};
using Modules = testing::Types<EmulatedGpu, RealGpu>;
TYPED_TEST_SUITE(JobOnDevice, Modules);

/// A job of all stages from random orientations, too small to find anything: where rounding leads
/// it, nothing leads it back.
struct SmallJob {
  spi::Detector detector = made_square_detector(12);
  spi::PatternSet frames = made_patterns(detector, {made_blobs(1, 8, 3)}, 40, 300, 3).frames;

  spi::Result run(compute::Cpu& cpu, spi::MatchDevice& device) const {
    spi::Settings settings;
    settings.run.grid = 15;
    settings.run.max_generations = 5;
    settings.run.coarse_references = 300;
    settings.run.match_device = &device;
    settings.phasing_starts = 4;
    compute::SoloCommunicator alone;
    return spi::reconstruct(cpu, frames, detector, settings, alone, {});
  }
};

TYPED_TEST(JobOnDevice, FindsWhatTheHostFindsInEveryGeneration) {
  ComparedSearch both(*this->device_);
  SmallJob().run(this->cpu_, both);
  EXPECT_TRUE(this->notes_.empty());
  EXPECT_GE(both.global(), 4);
  EXPECT_GE(both.near(), 2);
  EXPECT_EQ(both.other_scores(), 0u) << "of " << both.scores() << ", by up to " << both.worst();
}

TYPED_TEST(JobOnDevice, HasTheSameBitsEachTime) {
  const SmallJob job;
  const spi::Result once = job.run(this->cpu_, *this->device_);
  const spi::Result again = job.run(this->cpu_, *this->device_);
  EXPECT_EQ(once.maps[0].density, again.maps[0].density);
  EXPECT_EQ(once.estimate.orientation, again.estimate.orientation);
  EXPECT_EQ(once.verdict, again.verdict);
}

/// Frames that are brought to their orientations from 8 degrees off.
struct SureRun {
  static constexpr spi::Index kFrames = 80;
  MadeFrames made = make_frames({.frames = kFrames, .edge = 12, .photons = 2000});

  std::vector<spi::Quaternion> start() const {
    std::vector<spi::Quaternion> out;
    for (std::size_t i = 0; i < made.orientation.size(); ++i) {
      compute::Random random(9, 1, i);
      std::array<double, 3> turn = {random.normal(), random.normal(), random.normal()};
      const double size = std::hypot(turn[0], turn[1], turn[2]);
      for (double& angle : turn) angle *= 0.14 / size;
      out.push_back(spi::multiply(made.orientation[i], spi::rotation_by(turn)));
    }
    return out;
  }
  spi::Estimate run(compute::Cpu& cpu, spi::MatchDevice* device) const {
    spi::RunOptions options;
    options.grid = 17;
    options.seed = 3;
    options.max_generations = 12;
    options.match_device = device;
    compute::SoloCommunicator alone;
    spi::Run run(cpu, made.frames, made.detector, options, alone);
    run.start_from(start(), std::vector<std::int32_t>(kFrames, 0),
                   std::vector<double>(kFrames, 1.0), std::vector<std::uint8_t>(kFrames, 0));
    while (!run.finished()) run.step();
    EXPECT_TRUE(run.converged());
    return run.estimate();
  }
};

TYPED_TEST(JobOnDevice, EndsWhereTheHostDoesWhereTheFramesDecide) {
  const SureRun sure;
  const spi::Estimate want = sure.run(this->cpu_, nullptr);
  const spi::Estimate got = sure.run(this->cpu_, this->device_.get());
  ASSERT_LT(spi::orientation_errors(want.orientation, sure.made.orientation).median_modulo_degrees,
            3);
  // Turns are of steps: the same ones were taken, but by frames that two fit as well.
  const auto others = std::count_if(
      want.orientation.begin(), want.orientation.end(), [&](const spi::Quaternion& there) {
        const auto i = static_cast<std::size_t>(&there - want.orientation.data());
        return spi::angle_between(there, got.orientation[i]) > 1e-6;
      });
  EXPECT_LE(others, SureRun::kFrames / 20);
  EXPECT_GT(correlation(got.density[0], want.density[0]), 0.999);
  EXPECT_GT(correlation(got.fluence, want.fluence), 0.9999);
}

}  // namespace
}  // namespace unfold::test
