#include "workers/kernels/spi/toeplitz.h"

#include <gtest/gtest.h>

#include "tests/workers/kernels/spi/merge_problem.h"

namespace unfold::spi {
namespace {

using test::at;

std::vector<double> random_cube(Index edge, std::uint64_t seed) {
  std::vector<double> out;
  for (Index n = 0; n < edge * edge * edge; ++n) {
    out.push_back(compute::Random(seed, 0, static_cast<std::uint64_t>(n)).normal());
  }
  return out;
}

std::vector<double> even(std::vector<double> values) {
  for (std::size_t n = 0; 2 * n < values.size(); ++n) values[values.size() - 1 - n] = values[n];
  return values;
}

class ToeplitzOf : public ::testing::TestWithParam<int> {};

TEST_P(ToeplitzOf, EqualsTheSumOverLags) {
  const Index grid = GetParam(), width = 2 * grid - 1;
  const std::vector<double> lags = even(random_cube(width, 1)), x = random_cube(grid, 2);
  Toeplitz kernel(grid);
  kernel.set(lags);
  std::vector<double> out(x.size());
  kernel.apply(x, out);
  const auto lag = [&](Index a, Index b) { return a - b + grid - 1; };
  for (Index n = 0; n < grid * grid * grid; ++n) {
    double sum = 0;
    for (Index m = 0; m < grid * grid * grid; ++m) {
      const Index i = lag(n / grid / grid, m / grid / grid);
      const Index j = lag(n / grid % grid, m / grid % grid), k = lag(n % grid, m % grid);
      sum += lags[at((i * width + j) * width + k)] * x[at(m)];
    }
    ASSERT_NEAR(out[at(n)], sum, 1e-11);
  }
}

INSTANTIATE_TEST_SUITE_P(Edges, ToeplitzOf, ::testing::Values(1, 2, 3, 7, 8));

TEST(Toeplitz, AntiSupportDropsModesInsideTheSphereAndKeepsTheCorners) {
  const Index grid = 9;
  Toeplitz kernel(grid);
  kernel.set(anti_support_lags(grid));
  const auto wave = [&](Index a, Index b, Index c) {
    std::vector<double> out;
    for (Index n = 0; n < grid * grid * grid; ++n) {
      const Index phase = a * (n / grid / grid) + b * (n / grid % grid) + c * (n % grid);
      out.push_back(std::cos(2 * std::numbers::pi * static_cast<double>(phase) / 9));
    }
    return out;
  };
  std::vector<double> out(at(grid * grid * grid));
  kernel.apply(wave(4, 0, 0), out);
  for (const double x : out) ASSERT_NEAR(x, 0, 1e-12);
  const std::vector<double> corner = wave(4, 1, 0);
  kernel.apply(corner, out);
  for (std::size_t n = 0; n < out.size(); ++n) ASSERT_NEAR(out[n], corner[n], 1e-12);
}

}  // namespace
}  // namespace unfold::spi
