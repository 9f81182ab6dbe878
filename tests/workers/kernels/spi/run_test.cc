#include "workers/kernels/spi/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/made_frames.h"

namespace unfold::spi {
namespace {

class SpiRun : public ::testing::Test {
 protected:
  SpiRun() : made_(test::make_frames({.frames = 80, .edge = 12, .photons = 400})) {
    options_.grid = 17;
    options_.seed = 3;
    options_.max_generations = 6;
  }
  spi::Run make(compute::Cpu& cpu) const {
    return spi::Run(cpu, made_.frames, made_.detector, options_, solo_);
  }

  test::MadeFrames made_;
  RunOptions options_;
  mutable compute::SoloCommunicator solo_;
};

void expect_same(const Estimate& a, const Estimate& b) {
  EXPECT_EQ(a.density, b.density);
  EXPECT_EQ(a.autocorrelation, b.autocorrelation);
  EXPECT_EQ(a.support, b.support);
  EXPECT_EQ(a.orientation, b.orientation);
  EXPECT_EQ(a.conformation, b.conformation);
  EXPECT_EQ(a.fluence, b.fluence);
  EXPECT_EQ(a.score, b.score);
  EXPECT_EQ(a.score_of_mean, b.score_of_mean);
  EXPECT_EQ(a.non_hit, b.non_hit);
  EXPECT_EQ(a.background, b.background);
}

TEST_F(SpiRun, ResumedGoesOnWithTheSameBits) {
  options_.fit_background = true;
  options_.conformations = 2;
  compute::Cpu cpu(2);
  spi::Run whole = make(cpu), first = make(cpu), second = make(cpu);
  while (!whole.finished()) whole.step();
  for (int i = 0; i < 3; ++i) first.step();
  compute::ArchiveWriter out;
  first.save(out);
  const std::vector<double> numbers = std::move(out).take();
  compute::ArchiveReader in(numbers);
  second.restore(in);
  while (!second.finished()) second.step();
  expect_same(second.estimate(), whole.estimate());
  ASSERT_EQ(second.history().size(), whole.history().size());
  for (std::size_t i = 0; i < whole.history().size(); ++i) {
    EXPECT_EQ(second.history()[i].stage, whole.history()[i].stage);
    EXPECT_EQ(second.history()[i].gain, whole.history()[i].gain);
  }
}

TEST_F(SpiRun, ConformationsAreSharedOutOnceThereIsAMap) {
  options_.conformations = 2;
  compute::Cpu cpu(2);
  spi::Run run = make(cpu);
  const auto second = [&] {
    const auto& of = run.estimate().conformation;
    return std::count(of.begin(), of.end(), 1);
  };
  while (!run.finished()) {
    const Generation made = run.step();
    const bool coarse = made.stage == "coarse" && !run.finished();
    EXPECT_EQ(run.estimate().density[1].empty(), coarse) << made.number;
    EXPECT_EQ(second() == 0, coarse) << made.number;
  }
  EXPECT_FALSE(run.estimate().density[1].empty());
}

TEST_F(SpiRun, ThreadsDoNotChangeABit) {
  options_.max_generations = 3;
  compute::Cpu one(1), three(3);
  spi::Run alone = make(one), among = make(three);
  while (!alone.finished()) alone.step();
  while (!among.finished()) among.step();
  expect_same(alone.estimate(), among.estimate());
}

TEST_F(SpiRun, ASeedIsARunOfItsOwn) {
  options_.max_generations = 1;
  compute::Cpu cpu(2);
  spi::Run first = make(cpu);
  options_.seed = 4;
  spi::Run second = make(cpu);
  first.step();
  second.step();
  EXPECT_NE(first.estimate().orientation, second.estimate().orientation);
}

TEST_F(SpiRun, RefusesTheCheckpointOfAnotherJob) {
  compute::Cpu cpu(2);
  spi::Run run = make(cpu);
  run.step();
  compute::ArchiveWriter out;
  run.save(out);
  const std::vector<double> numbers = std::move(out).take();
  options_.seed = 99;
  spi::Run other = make(cpu);
  compute::ArchiveReader in(numbers);
  EXPECT_THROW(other.restore(in), std::invalid_argument);
}

TEST_F(SpiRun, StopsSoonWhenCancelled) {
  compute::Cpu cpu(2);
  spi::Run run = make(cpu);
  run.step();
  EXPECT_THROW(run.step([] { return true; }), Cancelled);
}

TEST_F(SpiRun, GoesOnFromOrientationsHandedOver) {
  compute::Cpu cpu(2);
  spi::Run run = make(cpu);
  const std::vector<std::int32_t> conformation(made_.orientation.size(), 0);
  const std::vector<double> fluence(made_.orientation.size(), 1.0);
  const std::vector<std::uint8_t> hits(made_.orientation.size(), 0);
  run.start_from(made_.orientation, conformation, fluence, hits);
  while (!run.finished()) run.step();
  const auto errors = orientation_errors(run.estimate().orientation, made_.orientation);
  EXPECT_LT(errors.median_modulo_degrees, 10);
  for (const Generation& g : run.history()) EXPECT_NE(g.stage, "coarse");
}

TEST_F(SpiRun, FluenceFollowsThePhotons) {
  compute::Cpu cpu(2);
  spi::Run run = make(cpu);
  run.step();
  run.step();
  double mean = 0;
  for (const double phi : run.estimate().fluence) mean += phi / 80;
  EXPECT_NEAR(mean, 1, 1e-3);
  options_.scaling = false;
  spi::Run fixed = make(cpu);
  fixed.step();
  fixed.step();
  EXPECT_EQ(fixed.estimate().fluence, std::vector<double>(80, 1.0));
}

TEST_F(SpiRun, RefusesWhatCannotBeReconstructed) {
  compute::Cpu cpu(2);
  options_.grid = 16;
  EXPECT_THROW(make(cpu), std::invalid_argument);
  options_.grid = 17;
  options_.conformations = 0;
  EXPECT_THROW(make(cpu), std::invalid_argument);
  made_.detector.mask.assign(made_.detector.mask.size(), PixelClass::kBad);
  options_.conformations = 1;
  EXPECT_THROW(make(cpu), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::spi
