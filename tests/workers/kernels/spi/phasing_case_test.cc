#include "tests/support/spi_case.h"
#include "tests/workers/kernels/spi/stored_phasing.h"
#include "workers/kernels/spi/merging.h"

namespace unfold::spi {
namespace {

using PhasingCase = StoredPhasing;

const PhaseResult& best_by_error(const std::vector<PhaseResult>& results) {
  return *std::min_element(results.begin(), results.end(),
                           [](auto& a, auto& b) { return a.fourier_error < b.fourier_error; });
}

TEST_F(PhasingCase, BestOfFourFreshStartsFindsTheDensityForEverySeedSet) {
  for (std::uint64_t set = 0; set < 5; ++set) expect_density_of(set);
}

TEST_F(PhasingCase, ConsensusOfStartsIsCloserThanAnyOfThem) {
  PhaseSchedule schedule;
  schedule.blur = 0;
  const auto results = phase(cpu_, kGrid, autocorrelation_, {}, fresh(1, 8), schedule);
  const Consensus mean = consensus(cpu_, kGrid, results, {});
  const double joint = correlation(mean.density);
  for (const PhaseResult& result : results) EXPECT_GT(joint, correlation(result.density));
  EXPECT_GE(mean.agreement, 0.99);
  EXPECT_GE(mean.prtf.back(), 0.9);
}

TEST_F(PhasingCase, NoiseOnTheAutocorrelationLeavesTheDensityRecognisable) {
  const auto results = phase(cpu_, kGrid, noisy_, {}, fresh(1, 4), {});
  EXPECT_GE(correlation(best_by_error(results).density), 0.94);
}

/// 2,000 frames of 1,000 photons behind a beamstop, merged at their true orientations: the
/// innermost amplitudes are missing, the outer ones noisy.
TEST_F(PhasingCase, MergedNoisyFramesBehindABeamstopArePhased) {
  const test::SpiCase given =
      test::read_spi_case(test::shared_file("data/spi/c5_full_noisy.h5").string());
  std::vector<Assignment> each;
  for (Index i = 0; i < given.frames.frames(); ++i) {
    each.push_back({i, static_cast<std::int32_t>(i), 1.0f});
  }
  const Merged frames = sum_frames(cpu_, given.frames, given.detector, given.orientation, each,
                                   given.fluence, {}, MergeWeight::kPoisson);
  compute::SoloCommunicator solo;
  const MergeResult merged = Merger(cpu_, kGrid, given.detector, solo).solve(frames, {}, {}, {});
  const auto known = known_amplitudes(kGrid, 0.0125, given.detector.qmax);
  const auto results = phase(cpu_, kGrid, merged.autocorrelation, known, fresh(1, 4), {});
  EXPECT_GE(correlation(best_by_error(results).density), 0.97);
}

}  // namespace
}  // namespace unfold::spi
