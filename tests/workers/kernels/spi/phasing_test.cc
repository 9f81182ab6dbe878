#include "workers/kernels/spi/phasing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/workers/kernels/spi/phasing_problem.h"

namespace unfold::spi {
namespace {

using test::phasing::at;
using test::phasing::blobs;
using test::phasing::kGrid;
using test::phasing::kVoxels;
using test::phasing::Object;
using test::phasing::sharp;

TEST(Phasing, FindsBlobsFromTheirAutocorrelationAlone) {
  const Object object;
  for (const bool raar : {true, false}) {
    PhaseSchedule schedule = sharp();
    schedule.raar = raar;
    const auto results = object.phase(Object::fresh(4), schedule);
    double best = 0;
    for (const PhaseResult& result : results) {
      best = std::max(best, object.correlation(result.density));
      EXPECT_GE(*std::min_element(result.density.begin(), result.density.end()), 0);
    }
    EXPECT_GE(best, 0.98) << "raar " << raar;
  }
}

TEST(Phasing, AutocorrelationAndDensityHaveTheScaleOfTheInput) {
  const Object object;
  PhaseStart truth{std::vector<std::uint8_t>(at(kVoxels), 1), object.density, 1};
  PhaseSchedule still = sharp();
  still.loops = 0;
  const PhaseResult result = object.phase({&truth, 1}, still).front();
  EXPECT_LE(result.fourier_error, 1e-2);
  for (Index n = 0; n < kVoxels; ++n) {
    ASSERT_NEAR(result.autocorrelation[at(n)], object.autocorrelation[at(n)],
                0.02 * object.autocorrelation[at(kVoxels / 2)]);
  }
  const Translation onto = DensityModes(kGrid, object.fft, object.density)
                               .onto_this(DensityModes(kGrid, object.fft, result.density));
  EXPECT_GE(onto.correlation, 0.99);
  double truth_sum = 0, sum = 0;
  for (Index n = 0; n < kVoxels; ++n) {
    truth_sum += object.density[at(n)];
    sum += result.density[at(n)];
  }
  EXPECT_NEAR(sum, truth_sum, 0.03 * truth_sum);
}

TEST(Phasing, AmplitudesThatAreNotKnownDoNotMatter) {
  Object object;
  const std::vector<std::uint8_t> known = known_amplitudes(kGrid, 0.2 * 3 / kGrid, 0.1);
  EXPECT_EQ(known[at(kVoxels / 2)], 0);                      // below qmin
  EXPECT_EQ(known[0], 0);                                    // the corner
  EXPECT_EQ(known[at(kVoxels / 2 + 3)], 1);                  // |k| = 3
  EXPECT_EQ(known[at(kVoxels / 2 + 2)], 0);                  // |k| = 2
  EXPECT_EQ(known[at(kVoxels / 2 + kGrid / 2)], 1);          // |k| = M / 2
  EXPECT_EQ(known[at(kVoxels / 2 + kGrid / 2 - kGrid)], 0);  // just outside
  const auto starts = Object::fresh(4);
  for (double& a : object.autocorrelation) a -= 1.0;  // a pedestal: the zero frequency is wrong
  double best = 0;
  for (const PhaseResult& result : object.phase(starts, sharp(), known)) {
    best = std::max(best, object.correlation(result.density));
  }
  EXPECT_GE(best, 0.95);
}

TEST(Phasing, ThreadsDoNotChangeABitAndSeedsDo) {
  const Object object;
  PhaseSchedule brief = sharp();
  brief.loops = 1;
  const auto starts = Object::fresh(3);
  const auto one = object.phase(starts, brief, {}, 1), three = object.phase(starts, brief, {}, 3);
  for (std::size_t s = 0; s < 3; ++s) {
    EXPECT_EQ(one[s].density, three[s].density);
    EXPECT_EQ(one[s].fourier_error, three[s].fourier_error);
  }
  EXPECT_NE(one[0].density, one[1].density);
}

TEST(Phasing, StopsWhereItIsCancelled) {
  const Object object;
  int asked = 0;
  PhaseSchedule endless = sharp();
  endless.loops = 1 << 30;
  compute::Cpu cpu(2);
  phase(cpu, kGrid, object.autocorrelation, {}, Object::fresh(3), endless,
        [&] { return ++asked > 4; });
  EXPECT_EQ(asked, 5);
}

TEST(Phasing, VolumesThatDoNotFitAreRefused) {
  const Object object;
  PhaseStart start;
  start.density.assign(5, 0.0);
  EXPECT_THROW(object.phase({&start, 1}, sharp()), std::invalid_argument);
}

TEST(Translation, IsFoundToPartsOfAVoxelAndForBothHands) {
  const Object object;
  const DensityModes truth(kGrid, object.fft, object.density);
  for (const bool inverted : {false, true}) {
    DensityModes moved(kGrid, object.fft, blobs(1.3, inverted));
    const Translation found = truth.onto_this(moved);
    EXPECT_EQ(found.inverted, inverted);
    EXPECT_GE(found.correlation, 0.9999);
    for (const double shift : found.shift) EXPECT_NEAR(shift, inverted ? 1.3 : -1.3, 0.01);
    moved.apply(found);
    const std::vector<double> back = moved.density();
    for (Index n = 0; n < kVoxels; ++n) ASSERT_NEAR(back[at(n)], object.density[at(n)], 0.02);
  }
}

TEST(Consensus, AveragesWhatAgreesAfterItIsBroughtTogether) {
  const Object object;
  std::vector<PhaseResult> results(3);
  results[0].density = object.density;
  results[1].density = blobs(0.7, true);
  results[2].density = blobs(-1.4, false);
  for (std::size_t s = 0; s < 3; ++s) results[s].fourier_error = 0.1 + static_cast<double>(s);
  compute::Cpu cpu(2);
  const Consensus mean = consensus(cpu, kGrid, results, {});
  EXPECT_GE(mean.agreement, 0.9999);
  EXPECT_GE(object.correlation(mean.density), 0.9999);
  ASSERT_EQ(mean.prtf.size(), at(kGrid / 2 + 1));
  for (std::size_t s = 0; s < 7; ++s) EXPECT_GE(mean.prtf[s], 0.99) << s;
}

TEST(Consensus, ShellsWhosePhasesAreChanceHaveALowTransfer) {
  const Object object;
  std::vector<PhaseResult> results(16);
  for (std::uint64_t s = 0; s < 16; ++s) {
    DensityModes modes(kGrid, object.fft, object.density);
    for (std::size_t i = 0; i < modes.modes().size(); ++i) {
      auto& mode = modes.modes()[i];
      const auto& k = mode.k;
      if (k[0] * k[0] + k[1] * k[1] + k[2] * k[2] <= 25) continue;
      mode.value = std::polar(std::abs(mode.value), 6.283 * compute::Random(s, 1, i).uniform());
    }
    results[s].density = modes.density();
  }
  compute::Cpu cpu(2);
  const Consensus mean = consensus(cpu, kGrid, results, {});
  EXPECT_GE(mean.prtf[3], 0.99);
  EXPECT_LE(mean.prtf[9], 0.5);
}

// Behind a beamstop the strongest modes are missing: a model that keeps them can point the other
// way, and one scaled to nothing would never be left again.
TEST(Phasing, AModelIsNeverScaledToNothing) {
  const std::vector<double> model{2, 1, 0};
  EXPECT_DOUBLE_EQ(best_multiple(model, std::vector<double>{6, 3, 1}), 3);
  EXPECT_DOUBLE_EQ(best_multiple(model, std::vector<double>{-6, -3, 0}), 3);
  EXPECT_EQ(best_multiple(std::vector<double>(3, 0.0), model), 0);
}

}  // namespace
}  // namespace unfold::spi
