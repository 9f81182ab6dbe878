// Whether a reconstruction knows what it knows (issue 4, item 3): frames without structure and
// balls are never "converged" and claim no shell; the correlation of halves says what that with the
// truth is. UNFOLD_LONG=1 runs more seeds, cases and generations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/shared_data.h"
#include "tests/support/spi_noise.h"
#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/reconstruct.h"

namespace unfold::physics {
namespace {

using spi::Index;
using spi::Result;
using spi::Verdict;
using test::SpiCase;

constexpr Index kGrid = 37;
constexpr double kResolved = 0.143;
constexpr double kRight = 0.8;  ///< correlation with the truth of a map that is not wrong

bool is_long() { return std::getenv("UNFOLD_LONG") != nullptr; }

struct Effort {
  int generations;
  int starts;
};
constexpr Effort kQuick{7, 4}, kWhole{60, 16};

Result reconstructed(const SpiCase& data, std::uint64_t seed, const Effort& effort) {
  compute::Cpu cpu;
  compute::SoloCommunicator alone;
  spi::Settings settings;
  settings.run.grid = kGrid;
  settings.run.seed = seed;
  settings.run.max_generations = effort.generations;
  settings.phasing_starts = effort.starts;
  return spi::reconstruct(cpu, data.frames, data.detector, settings, alone, {});
}

/// |F|^2 of a ball of 30 Angstrom in every frame.
SpiCase balls(SpiCase data) {
  std::vector<float> rows;
  for (Index i = 0; i < data.frames.frames(); ++i) {
    for (std::size_t p = 0; p < data.detector.mask.size(); ++p) {
      const double* q = &data.detector.q[3 * p];
      const double x = 2 * M_PI * 30 * std::hypot(q[0], q[1], q[2]);
      const double f = 3 * (std::sin(x) - x * std::cos(x)) / (x * x * x);
      rows.push_back(static_cast<float>(f * f));
    }
  }
  data.frames = spi::PatternSet::dense(data.frames.frames(), data.frames.pixels(), std::move(rows));
  return data;
}

class HonestyTest : public testing::Test {
 protected:
  void SetUp() override {
    if (clean_.empty() || noisy_.empty()) GTEST_SKIP() << "no shared data";
  }
  SpiCase clean(std::size_t frames) const { return test::read_spi_case(clean_.string(), frames); }
  SpiCase noisy(std::size_t frames) const { return test::read_spi_case(noisy_.string(), frames); }
  SpiCase without_structure(std::size_t frames, std::uint64_t seed) const {
    return test::with_noise(clean(frames), {.non_hits = 1, .seed = 104 + seed});
  }
  SpiCase dim(std::size_t frames, double photons, std::uint64_t seed) const {
    return test::with_noise(clean(frames), {.photons = photons, .seed = 100 + seed});
  }

 private:
  const std::filesystem::path clean_ = test::shared_file("data/spi/c4_full_clean.h5");
  const std::filesystem::path noisy_ = test::shared_file("data/spi/c5_full_noisy.h5");
};

void expect_no_claim(const Result& result) {
  EXPECT_NE(result.verdict, Verdict::kConverged);
  EXPECT_FALSE(result.reasons.empty());
  const auto& corrected = result.maps[0].half_correlation_corrected;
  for (std::size_t s = 4; s < corrected.size(); ++s) EXPECT_LT(corrected[s], kResolved) << s;
}

TEST_F(HonestyTest, FramesOfTheRadialMeanClaimNothing) {
  const Effort effort = is_long() ? kWhole : kQuick;
  expect_no_claim(reconstructed(without_structure(is_long() ? 200 : 150, 1), 1, effort));
}

TEST_F(HonestyTest, ABallClaimsNothing) {
  if (!is_long()) GTEST_SKIP() << "UNFOLD_LONG is not set";
  expect_no_claim(reconstructed(test::with_noise(balls(clean(200)), {.seed = 105}), 1, kWhole));
}

/// Where a curve first falls below `level`, in shells.
double crossing(const std::vector<double>& curve, double level) {
  for (std::size_t s = 1; s < curve.size(); ++s) {
    if (curve[s] < level) {
      return static_cast<double>(s) - (level - curve[s]) / (curve[s - 1] - curve[s]);
    }
  }
  return static_cast<double>(curve.size());
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

TEST_F(HonestyTest, HalvesSayHowFarEachAgreesWithTheTruth) {
  if (!is_long()) GTEST_SKIP() << "UNFOLD_LONG is not set";
  compute::Cpu cpu;
  const std::vector<double> truth = clean(1).density;
  std::vector<double> ends, off;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const spi::Map map = reconstructed(dim(300, 300, seed), seed, kWhole).maps[0];
    std::vector<double> predicted;
    for (const double f : map.half_correlation_corrected) {
      predicted.push_back(f > 0 ? std::sqrt(2 * f / (1 + f)) : 0);
    }
    double end = 0;  // the halves of one seed can be two shells apart: their mean
    for (const std::vector<double>& half : map.half_density) {
      const auto onto = spi::align_densities(cpu, kGrid, truth, half);
      const auto actual =
          spi::shell_correlation(cpu, kGrid, truth, spi::apply(cpu, kGrid, half, onto));
      end += crossing(actual, 0.5) / 2;
    }
    ends.push_back(end);
    off.push_back(std::abs(crossing(predicted, 0.5) - end));
  }
  EXPECT_LE(median_of(ends), kGrid / 2 - 3);
  EXPECT_LE(median_of(off), 1.0);
}

/// A map that is not wrong looks like the particle, and is like it as far out as is claimed: to the
/// shell where the correlation with the truth falls below 0.5, give or take one.
void expect_right(const spi::Map& map, const std::vector<double>& truth) {
  compute::Cpu cpu;
  const auto onto = spi::align_densities(cpu, kGrid, truth, map.density);
  EXPECT_GT(onto.correlation, kRight);
  const auto actual =
      spi::shell_correlation(cpu, kGrid, truth, spi::apply(cpu, kGrid, map.density, onto));
  EXPECT_LE(crossing(map.half_correlation_corrected, kResolved), crossing(actual, 0.5) + 1);
}

TEST_F(HonestyTest, ConvergedIsNeverSaidOfAMapThatIsWrong) {
  if (!is_long()) GTEST_SKIP() << "UNFOLD_LONG is not set";
  const std::vector<double> truth = clean(1).density;
  for (std::uint64_t run = 0; run < 20; ++run) {
    SCOPED_TRACE(run);
    const std::uint64_t seed = run / 4 + 1;
    const SpiCase data = run % 4 == 0   ? clean(200)
                         : run % 4 == 1 ? noisy(200)
                         : run % 4 == 2 ? dim(300, 100, seed)
                                        : without_structure(200, seed);
    const Result result = reconstructed(data, seed, kWhole);
    RecordProperty("run_" + std::to_string(run), spi::to_string(result.verdict));
    if (result.verdict != Verdict::kConverged) continue;
    EXPECT_NE(run % 4, 3u);
    expect_right(result.maps[0], truth);
  }
}

}  // namespace
}  // namespace unfold::physics
