#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "tests/support/shared_data.h"
#include "tests/support/spi_noise.h"
#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/reconstruct.h"

// Reconstructions from random orientations against the truth. UNFOLD_LONG=1 takes whole jobs of all
// frames with default options, five seeds of each, and the harder data.
namespace unfold::spi {
namespace {

constexpr Index kGrid = 37;

bool long_run() {
  const char* set = std::getenv("UNFOLD_LONG");
  return set != nullptr && std::string(set) == "1";
}

struct Outcome {
  double median_degrees = 180;  ///< after one global rotation
  double median_modulo = 180;   ///< modulo the turn about the beam as well
  double correlation = 0;
  double resolution = 0;  ///< Angstrom, FSC 0.5 against the truth
  Estimate estimate;
};

class SpiLoop : public ::testing::Test {
 protected:
  void SetUp() override {
    clean_ = test::shared_file("data/spi/c4_full_clean.h5").string();
    noisy_ = test::shared_file("data/spi/c5_full_noisy.h5").string();
    if (clean_.empty() || noisy_.empty()) GTEST_SKIP() << "no shared data";
    truth_ = test::Hdf5Numbers(clean_).doubles("rho_true");
  }

  Outcome run(const test::SpiCase& data, std::uint64_t seed, Metric metric = Metric::kPoisson,
              int generations = 60) {
    RunOptions options;
    options.grid = kGrid;
    options.seed = seed;
    options.metric = metric;
    options.max_generations = generations;
    compute::SoloCommunicator solo;
    spi::Run loop(cpu_, data.frames, data.detector, options, solo);
    while (!loop.finished()) loop.step();
    return compared(data, loop.estimate(), loop.estimate().density[0]);
  }

  Outcome compared(const test::SpiCase& data, const Estimate& estimate,
                   const std::vector<double>& density) {
    Outcome out;
    out.estimate = estimate;
    const auto errors = orientation_errors(out.estimate.orientation, data.orientation);
    out.median_degrees = errors.median_degrees;
    out.median_modulo = errors.median_modulo_degrees;
    const Alignment alignment = align_densities(cpu_, kGrid, truth_, density);
    out.correlation = alignment.correlation;
    const auto moved = apply(cpu_, kGrid, density, alignment);
    out.resolution = resolution_of(shell_correlation(cpu_, kGrid, truth_, moved),
                                   data.detector.qmax, kGrid, 0.5);
    return out;
  }

  /// Of the jobs with seeds 1 .. 5, how many are `converged` and reach the numbers promised.
  int converged(const test::SpiCase& data, double degrees) {
    int count = 0;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const double before = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
      Settings settings;
      settings.run.grid = kGrid;
      settings.run.seed = seed;
      compute::SoloCommunicator solo;
      const Result result = reconstruct(cpu_, data.frames, data.detector, settings, solo, {});
      const double spent = static_cast<double>(std::clock()) / CLOCKS_PER_SEC - before;
      const Outcome out = compared(data, result.estimate, result.maps[0].density);
      count += result.verdict == Verdict::kConverged && out.median_degrees <= degrees &&
               out.correlation >= 0.96 && out.resolution <= 10;
      std::printf(
          "seed %d: %s, %.2f degrees (modulo the turn %.2f), cc %.4f, FSC 0.5 at %.2f "
          "Angstrom, halves say %.2f, %zu generations, %.0f CPU s\n",
          static_cast<int>(seed), to_string(result.verdict).c_str(), out.median_degrees,
          out.median_modulo, out.correlation, out.resolution, result.maps[0].resolution,
          result.history.size(), spent);
      std::fflush(stdout);
    }
    return count;
  }

  compute::Cpu cpu_;
  std::string clean_, noisy_;
  std::vector<double> truth_;
};

TEST_F(SpiLoop, FindsTheOrientationsOfCleanImagesFromRandomOnes) {
  const Outcome out = run(test::read_spi_case(clean_, 500), 1);
  EXPECT_LE(out.median_modulo, 4);
  EXPECT_GE(out.correlation, 0.9);
}

TEST_F(SpiLoop, CleanImagesConvergeFromFourOfFiveSeeds) {
  if (!long_run()) GTEST_SKIP() << "long: UNFOLD_LONG=1";
  EXPECT_GE(converged(test::read_spi_case(clean_), 4), 4);
}

TEST_F(SpiLoop, AThousandPhotonsConvergeFromFourOfFiveSeeds) {
  if (!long_run()) GTEST_SKIP() << "long: UNFOLD_LONG=1";
  EXPECT_GE(converged(test::read_spi_case(noisy_), 5.5), 4);
}

// SpiniFEL's distance: the few brightest pixels decide, and the loop stays where it began.
TEST_F(SpiLoop, EuclideanDistanceDoesNotFindTheOrientations) {
  if (!long_run()) GTEST_SKIP() << "long: UNFOLD_LONG=1";
  EXPECT_GT(run(test::read_spi_case(noisy_), 1, Metric::kEuclid, 20).median_modulo, 30);
}

TEST_F(SpiLoop, FramesWithoutStructureAreNoHits) {
  if (!long_run()) GTEST_SKIP() << "long: UNFOLD_LONG=1";
  std::vector<std::uint8_t> hit;
  const test::SpiCase data =
      test::with_noise(test::read_spi_case(clean_, 1000), {.non_hits = 0.1}, &hit);
  const Outcome out = run(data, 1);
  double found = 0, empty = 0, lost = 0;
  for (std::size_t i = 0; i < hit.size(); ++i) {
    const bool said = out.estimate.non_hit[i] != 0;
    empty += hit[i] == 0;
    found += hit[i] == 0 && said;
    lost += hit[i] != 0 && said;
  }
  EXPECT_GE(found, 0.8 * empty);
  EXPECT_LE(lost, 0.02 * static_cast<double>(hit.size()));
}

}  // namespace
}  // namespace unfold::spi
