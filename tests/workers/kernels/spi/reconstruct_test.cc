#include "workers/kernels/spi/reconstruct.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/made_patterns.h"
#include "workers/kernels/spi/halves.h"

namespace unfold::test {
namespace {

using spi::Checkpoint;
using spi::Hooks;
using spi::Index;
using spi::Report;
using spi::Result;
using spi::Settings;
using spi::Verdict;
using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr Index kGrid = 15;

/// A job of seconds, too small to find anything.
struct SmallJob {
  spi::Detector detector = made_square_detector(12);
  spi::PatternSet frames = made_patterns(detector, {made_blobs(1, 8, 3)}, 40, 300, 3).frames;
  Settings settings;
  compute::Cpu cpu{2};
  compute::SoloCommunicator alone;

  SmallJob() {
    settings.run.grid = kGrid;
    settings.run.max_generations = 5;
    settings.run.coarse_references = 300;
    settings.phasing_starts = 4;
  }
  Result run(const Hooks& hooks = {}, const Checkpoint* resume = nullptr) {
    return spi::reconstruct(cpu, frames, detector, settings, alone, hooks, resume);
  }
};

/// `frames` with those of `other` in the places `where`.
spi::PatternSet with_frames_of(const spi::PatternSet& frames, const spi::PatternSet& other,
                               const std::vector<Index>& where) {
  const Index n = frames.frames(), pixels = frames.pixels();
  std::vector<float> rows(static_cast<std::size_t>(n * pixels)), from(rows.size());
  frames.rows(0, n, compute::View<float, 2>(rows.data(), n, pixels));
  other.rows(0, n, compute::View<float, 2>(from.data(), n, pixels));
  for (const Index i : where)
    std::copy_n(&from[std::size_t(i * pixels)], pixels, &rows[std::size_t(i * pixels)]);
  return spi::PatternSet::dense(n, pixels, std::move(rows));
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.maps.size(), b.maps.size());
  for (std::size_t c = 0; c < a.maps.size(); ++c) {
    EXPECT_EQ(a.maps[c].density, b.maps[c].density);
    EXPECT_EQ(a.maps[c].half_density[1], b.maps[c].half_density[1]);
    EXPECT_EQ(a.maps[c].half_correlation_corrected, b.maps[c].half_correlation_corrected);
    EXPECT_EQ(a.maps[c].prtf, b.maps[c].prtf);
  }
  EXPECT_EQ(a.estimate.orientation, b.estimate.orientation);
  EXPECT_EQ(a.estimate.fluence, b.estimate.fluence);
  EXPECT_EQ(a.entropy, b.entropy);
  EXPECT_EQ(a.verdict, b.verdict);
  EXPECT_EQ(a.reasons, b.reasons);
  ASSERT_EQ(a.history.size(), b.history.size());
  for (std::size_t g = 0; g < a.history.size(); ++g) {
    EXPECT_EQ(a.history[g].part, b.history[g].part);
    EXPECT_EQ(a.history[g].generation.gain, b.history[g].generation.gain);
    EXPECT_EQ(a.history[g].half_resolution, b.history[g].half_resolution);
    EXPECT_EQ(a.history[g].fraction, b.history[g].fraction);
  }
}

/// The job run once, and what it said meanwhile.
struct Whole {
  Result result;
  std::vector<Checkpoint> checkpoints;
  std::vector<Report> reports;
};
const Whole& whole_job() {
  static const Whole whole = [] {
    SmallJob job;
    Whole out;
    out.result = job.run({
        .report = [&](const Report& r) { out.reports.push_back(r); },
        .checkpoint = [&](const Checkpoint& c) { out.checkpoints.push_back(c); },
    });
    return out;
  }();
  return whole;
}

TEST(ReconstructTest, AJobThatIsStoppedAnywhereGoesOnWithTheSameBits) {
  SmallJob job;
  const auto& checkpoints = whole_job().checkpoints;
  ASSERT_GE(checkpoints.size(), 10u);
  for (const std::size_t stop : {std::size_t{2}, checkpoints.size() - 1}) {
    SCOPED_TRACE(stop);
    expect_same(job.run({}, &checkpoints[stop]), whole_job().result);
  }
}

TEST(ReconstructTest, ThreadsDoNotChangeABit) {
  SmallJob job;
  compute::Cpu one(1);
  expect_same(spi::reconstruct(one, job.frames, job.detector, job.settings, job.alone, {}),
              whole_job().result);
}

TEST(ReconstructTest, ACheckpointOfAnotherJobIsRefused) {
  SmallJob job;
  const Checkpoint& last = whole_job().checkpoints.back();
  const Checkpoint damaged(last.begin(), last.begin() + 100);
  EXPECT_THROW(job.run({}, &damaged), std::invalid_argument);
  job.settings.run.seed = 99;
  EXPECT_THROW(job.run({}, &last), std::invalid_argument);
}

TEST(ReconstructTest, ACancelEndsIt) {
  SmallJob job;
  int asked = 0;
  EXPECT_THROW(job.run({.cancelled = [&] { return ++asked > 3; }}), spi::Cancelled);
}

TEST(ReconstructTest, ProgressRisesAndNamesWhatRuns) {
  double last = 0;
  std::vector<std::string> parts;
  for (const Report& r : whole_job().reports) {
    EXPECT_GE(r.fraction, last);
    last = r.fraction;
    if (parts.empty() || parts.back() != r.part) parts.push_back(r.part);
  }
  EXPECT_EQ(parts[0], "half 1");
  EXPECT_EQ(parts[1], "half 2");
  EXPECT_EQ(parts.back(), "phasing");
  const auto& reports = whole_job().reports;
  EXPECT_EQ(reports.back().generation.log_likelihood,
            whole_job().result.history.back().generation.log_likelihood);
  EXPECT_EQ(last, 1.0);
}

TEST(ReconstructTest, AResultIsWhole) {
  const Result& result = whole_job().result;
  const auto volume = static_cast<std::size_t>(kGrid * kGrid * kGrid);
  ASSERT_THAT(result.maps, SizeIs(1));
  const spi::Map& map = result.maps[0];
  for (const auto& list : {map.density, map.autocorrelation, map.intensity, map.intensity_weight,
                           map.half_density[0], map.half_density[1]}) {
    EXPECT_THAT(list, SizeIs(volume));
  }
  EXPECT_THAT(map.support, SizeIs(volume));
  for (const auto& shells : {map.half_intensity_correlation, map.half_correlation,
                             map.half_correlation_corrected, map.prtf}) {
    EXPECT_THAT(shells, SizeIs(kGrid / 2 + 1));
  }
  EXPECT_THAT(result.estimate.orientation, SizeIs(40));
  EXPECT_THAT(result.half, SizeIs(40));
  EXPECT_THAT(result.entropy, SizeIs(40));
  EXPECT_THAT(result.entropy, Each(Ge(0.0)));
  EXPECT_NE(result.verdict, Verdict::kConverged);  // 40 frames cannot
  EXPECT_THAT(result.reasons, Not(IsEmpty()));
}

TEST(ReconstructTest, OneKindOfParticleIsNotTakenForTwo) {
  SmallJob job;
  job.settings.run.conformations = 2;
  const Result result = job.run();
  ASSERT_THAT(result.maps, SizeIs(2));
  for (const spi::Map& map : result.maps) EXPECT_THAT(map.density, SizeIs(kGrid * kGrid * kGrid));
  EXPECT_GT(result.conformation_gain_error, 0);
  EXPECT_LT(result.conformation_agreement, 0.2);
  EXPECT_FALSE(result.evidence_for_conformations);
}

/// The second half's frames show nothing: each start of it is far below the first half's.
TEST(ReconstructTest, AHalfFarBelowTheOtherBeginsAgainAlsoAfterAStop) {
  SmallJob job;
  job.settings.run.max_generations = 6;
  const spi::Split split = spi::split_frames(40, job.settings.run.seed);
  const MadePatterns flat = made_patterns(job.detector, {{Blob{}}}, 40, 300, 4);
  job.frames = with_frames_of(job.frames, flat.frames, split.member[1]);
  std::vector<Checkpoint> checkpoints;
  std::vector<std::size_t> begun;  // at which checkpoints
  double last = 0;
  const Result whole = job.run({
      .report =
          [&](const Report& r) {
            EXPECT_GE(r.fraction, last);
            last = r.fraction;
            if (r.part == "half 2" && r.generation.number == 0) begun.push_back(checkpoints.size());
          },
      .checkpoint = [&](const Checkpoint& c) { checkpoints.push_back(c); },
  });
  ASSERT_THAT(begun, SizeIs(3));
  Index kept = 0;
  for (const Report& r : whole.history) kept += r.part == "half 2" && r.generation.number == 0;
  EXPECT_EQ(kept, 1);
  // Stopped just before it begins again.
  expect_same(job.run({}, &checkpoints[begun[1] - 1]), whole);
}

TEST(ReconstructTest, WithoutHalvesThereIsAMapButNoVerdictForIt) {
  SmallJob job;
  job.settings.halves = false;
  const Result result = job.run();
  EXPECT_NE(result.verdict, Verdict::kConverged);
  EXPECT_THAT(result.maps[0].half_correlation, IsEmpty());
  EXPECT_EQ(result.maps[0].resolution, INFINITY);
  EXPECT_EQ(result.history.front().part, "all");
}

TEST(ReconstructTest, SettingsThatContradictTheDataAreRefused) {
  SmallJob job;
  job.settings.run.grid = 14;
  EXPECT_THROW(job.run(), std::invalid_argument);
  job.settings.run.grid = kGrid;
  job.frames = job.frames.subset(std::vector<Index>{0, 1, 2});
  EXPECT_THROW(job.run(), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::test
