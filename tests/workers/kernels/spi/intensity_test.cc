#include "workers/kernels/spi/intensity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/workers/kernels/spi/merge_problem.h"

namespace unfold::spi {
namespace {

using test::at;

TEST(Intensity, IsTheCosineTransformOfTheAutocorrelationAtEveryMode) {
  for (const Index grid : {5, 7}) {
    const std::vector<double> x = test::made_autocorrelation(grid, 1);
    const std::vector<double> is = intensity_of(grid, x);
    for (Index n = 0; n < grid * grid * grid; ++n) {
      // With qmax = M / 2 a mode's q is k itself.
      const double k[] = {static_cast<double>(n / grid / grid - grid / 2),
                          static_cast<double>(n / grid % grid - grid / 2),
                          static_cast<double>(n % grid - grid / 2)};
      const double half = static_cast<double>(grid) / 2;
      ASSERT_NEAR(is[at(n)], test::intensity_at(grid, x, {1, 0, 0, 0}, k, half), 1e-10);
    }
  }
}

TEST(Coverage, EveryPixelIsCountedAtItsModeAndAtTheFriedelMate) {
  const Index grid = 9;
  Merged merged;
  merged.rotation = {{1, 0, 0, 0}, rotation_by({0, 0, std::acos(0.0)})};
  merged.weight = {2.0, 0.5};
  merged.pixels = {0, 2};
  merged.pixel_weight = {1.0, 0.5};
  Detector detector;
  detector.qmax = 4.5;  // one mode is one unit of q
  detector.q = {3.1, 0.2, -1.3, 9, 9, 9, 0.1, 0.2, 0.3};
  detector.correction.assign(3, 1.0f);
  detector.mask.assign(3, PixelClass::kGood);
  compute::Cpu cpu(2);
  compute::SoloCommunicator solo;
  const std::vector<double> is = coverage(cpu, grid, detector, merged, solo);
  const auto cell = [&](Index a, Index b, Index c) {
    return is[at(((a + 4) * grid + b + 4) * grid + c + 4)];
  };
  EXPECT_DOUBLE_EQ(cell(3, 0, -1), 2.0);
  EXPECT_DOUBLE_EQ(cell(-3, 0, 1), 2.0);
  // R^T q of a quarter turn about z: (x, y) -> (y, -x).
  EXPECT_DOUBLE_EQ(cell(0, -3, -1), 0.5);
  EXPECT_DOUBLE_EQ(cell(0, 3, 1), 0.5);
  EXPECT_DOUBLE_EQ(cell(0, 0, 0), 1.25);
  double sum = 0;
  for (const double x : is) sum += x;
  EXPECT_DOUBLE_EQ(sum, 2 * 2.0 + 2 * 0.5 + 1.25);
}

}  // namespace
}  // namespace unfold::spi
