#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <vector>

#include "tests/support/made_volume.h"
#include "workers/compute/random.h"
#include "workers/kernels/spi/agreement.h"
#include "workers/kernels/spi/spectrum.h"

namespace unfold::test {
namespace {

using spi::Index;

constexpr Index kGrid = 25;

std::vector<double> noise(Index grid, std::uint64_t seed, double scale) {
  std::vector<double> out;
  for (Index i = 0; i < grid * grid * grid; ++i) {
    out.push_back(scale * compute::Random(seed, 0, static_cast<std::uint64_t>(i)).normal());
  }
  return out;
}

std::vector<double> plus(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

TEST(CorrelationTest, CorrelationOfNoisyCopiesIsWhatTheirSignalToNoiseSays) {
  compute::Cpu cpu(2);
  const std::vector<double> signal = noise(kGrid, 1, 1.0);
  for (const double snr : {0.2, 1.0, 4.0}) {
    const auto a = plus(signal, noise(kGrid, 2, 1 / std::sqrt(snr)));
    const auto b = plus(signal, noise(kGrid, 3, 1 / std::sqrt(snr)));
    const auto agreement = spi::shell_correlation(cpu, kGrid, a, b);
    ASSERT_EQ(agreement.size(), static_cast<std::size_t>(kGrid / 2 + 1));
    for (std::size_t s = 4; s < agreement.size(); ++s) {
      const double modes = 2 * std::numbers::pi * static_cast<double>(s * s);
      EXPECT_NEAR(agreement[s], snr / (snr + 1), 4 / std::sqrt(modes)) << "shell " << s;
    }
  }
}

TEST(CorrelationTest, RadialIntensitiesDoNotAgreeByTheirRadialProfile) {
  compute::Cpu cpu(2);
  const auto round = volume_of_blobs(kGrid, {{{0, 0, 0}, 1.0, 2.0}});
  const auto a = autocorrelation(kGrid, plus(round, noise(kGrid, 1, 1e-4)));
  const auto b = autocorrelation(kGrid, plus(round, noise(kGrid, 2, 1e-4)));
  EXPECT_GT(spi::shell_correlation(cpu, kGrid, a, b)[4], 0.9);
  EXPECT_LT(spi::intensity_shell_correlation(cpu, kGrid, a, b)[4], 0.3);
}

/// Positive noise within an ellipsoid of half axes `radius` x (1, 0.7, 0.5), voxels.
struct Masked {
  std::vector<double> density;
  std::vector<std::uint8_t> support;
};
Masked positive_noise(std::uint64_t seed, double radius) {
  Masked out{noise(kGrid, seed, 1.0), {}};
  for (Index i = 0; i < kGrid * kGrid * kGrid; ++i) {
    const Index c = kGrid / 2;
    const auto x = static_cast<double>(i / (kGrid * kGrid) - c),
               y = static_cast<double>(i / kGrid % kGrid - c),
               z = static_cast<double>(i % kGrid - c);
    const bool inside = x * x + y * y / 0.5 + z * z / 0.25 <= radius * radius;
    out.support.push_back(inside);
    double& v = out.density[static_cast<std::size_t>(i)];
    v = inside ? std::abs(v) : 0;
  }
  return out;
}

double mean_beyond(const std::vector<double>& correlation, std::size_t first) {
  double sum = 0;
  for (std::size_t s = first; s < correlation.size(); ++s) sum += correlation[s];
  return sum / static_cast<double>(correlation.size() - first);
}

TEST(CorrelationTest, WhatASharedTightSupportMakesIsTakenOff) {
  compute::Cpu cpu(2);
  const Masked a = positive_noise(1, 5.5), b = positive_noise(2, 5.5);
  const auto raw = spi::shell_correlation(cpu, kGrid, a.density, b.density);
  const auto corrected =
      spi::corrected_correlation(cpu, kGrid, a.density, b.density, a.support, b.support);
  EXPECT_GT(mean_beyond(raw, 7), 0.3);
  EXPECT_LT(std::abs(mean_beyond(corrected, 7)), 0.1);
}

TEST(CorrelationTest, BallsDoNotAgreeByBeingBalls) {
  compute::Cpu cpu(2);
  const std::vector<std::uint8_t> everywhere(static_cast<std::size_t>(kGrid * kGrid * kGrid), 1);
  const auto ball = volume_of_blobs(kGrid, {{{0, 0, 0}, 1.0, 2.0}});
  const auto a = plus(ball, noise(kGrid, 1, 1e-2)), b = plus(ball, noise(kGrid, 2, 1e-2));
  EXPECT_GT(spi::shell_correlation(cpu, kGrid, a, b)[4], 0.9);
  EXPECT_LT(spi::corrected_correlation(cpu, kGrid, a, b, everywhere, everywhere)[4], 0.3);
}

/// Overall correlation, of the modes that expected_correlation() weighs.
double correlation_of(const std::vector<double>& a, const std::vector<double>& b) {
  const spi::Shells shells(kGrid, 1, kGrid / 2);
  const auto fa = spi::spectrum_of(kGrid, a), fb = spi::spectrum_of(kGrid, b);
  double cross = 0, power_a = 0, power_b = 0;
  for (Index p = 0; p < shells.size(); ++p) {
    const auto place = static_cast<std::size_t>(shells.place(p));
    cross += (fa[place] * std::conj(fb[place])).real();
    power_a += std::norm(fa[place]);
    power_b += std::norm(fb[place]);
  }
  return cross / std::sqrt(power_a * power_b);
}

TEST(CorrelationTest, HalvesSayHowFarTheirMeanCorrelatesWithTheTruth) {
  compute::Cpu cpu(2);
  const std::vector<double> truth = noise(kGrid, 1, 1.0);
  for (const double snr : {0.2, 1.0, 4.0}) {
    const auto a = plus(truth, noise(kGrid, 2, 1 / std::sqrt(snr)));
    const auto b = plus(truth, noise(kGrid, 3, 1 / std::sqrt(snr)));
    const std::vector<double> mean = plus(a, b);
    const auto halves = spi::shell_correlation(cpu, kGrid, a, b);
    EXPECT_NEAR(spi::expected_correlation(kGrid, mean, halves), correlation_of(mean, truth), 0.02)
        << snr;
  }
}

TEST(CorrelationTest, ShellsThatDoNotAgreeCountByTheirPowerInTheMap) {
  // Widths such that most of the structure lies in the first shells of the one, not of the other.
  const auto broad = volume_of_blobs(kGrid, {{{3, 0, 0}, 1, 2.5}, {{-3, 1, 0}, 1, 2.5}});
  const auto sharp = volume_of_blobs(kGrid, {{{3, 0, 0}, 1, 0.8}, {{-3, 1, 0}, 1, 0.8}});
  std::vector<double> curve(static_cast<std::size_t>(kGrid / 2 + 1), -0.2);
  std::fill_n(curve.begin(), 5, 1.0);
  EXPECT_GT(spi::expected_correlation(kGrid, broad, curve), 0.9);
  EXPECT_LT(spi::expected_correlation(kGrid, sharp, curve), 0.5);
}

TEST(CorrelationTest, ResolutionIsWhereTheCurveFirstFalls) {
  const double qmax = 0.1, step = 2 * qmax / 10;  // shells 0 .. 5 at s * 0.02 / Angstrom
  const std::vector<double> curve{1.0, 0.9, 0.7, 0.3, 0.6, 0.1};
  EXPECT_NEAR(spi::resolution_of(curve, qmax, 10, 0.5), 1 / (2.5 * step), 1e-9);
  EXPECT_EQ(spi::resolution_of(curve, qmax, 10, 0.05), 1 / qmax);
  EXPECT_EQ(spi::resolution_of(curve, qmax, 10, 0.95), std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace unfold::test
