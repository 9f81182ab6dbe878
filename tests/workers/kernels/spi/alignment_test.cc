#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "tests/support/made_volume.h"
#include "workers/kernels/spi/agreement.h"

namespace unfold::test {
namespace {

using spi::Alignment;
using spi::Index;

constexpr double kDegree = std::numbers::pi / 180;
constexpr Index kGrid = 25;

TEST(AlignmentTest, ATurnedShiftedAndInvertedVolumeIsLaidBack) {
  compute::Cpu cpu(2);
  const auto blobs = made_blobs(1, 12, 3.0);
  const std::vector<double> a = volume_of_blobs(kGrid, blobs);
  for (const bool inverted : {false, true}) {
    const Move move{spi::random_rotation(3, 0, inverted), {0.7, -1.3, 2.2}, inverted};
    const std::vector<double> b = volume_of_blobs(kGrid, moved(blobs, move));
    const Alignment found = spi::align_densities(cpu, kGrid, a, b);
    EXPECT_EQ(found.inverted, inverted);
    EXPECT_LT(spi::angle_between(found.rotation, spi::conjugate(move.rotation)), 0.2 * kDegree);
    for (std::size_t d = 0; d < 3; ++d) EXPECT_NEAR(found.shift[d], back(move)[d], 0.05);
    EXPECT_GT(found.correlation, 0.9999);
    const std::vector<double> laid = spi::apply(cpu, kGrid, b, found);
    const auto agreement = spi::shell_correlation(cpu, kGrid, a, laid);
    for (std::size_t s = 0; s < 10; ++s) EXPECT_GT(agreement[s], 0.99) << "shell " << s;
  }
}

TEST(AlignmentTest, IntensitiesAreTurnedOntoEachOther) {
  compute::Cpu cpu(2);
  const auto blobs = made_blobs(2, 12, 3.0);
  const Move move{spi::random_rotation(4, 0, 0), {0, 0, 0}, true};
  const auto a = autocorrelation(kGrid, volume_of_blobs(kGrid, blobs));
  const auto b = autocorrelation(kGrid, volume_of_blobs(kGrid, moved(blobs, move)));
  const Alignment found = spi::align_intensities(cpu, kGrid, a, b);
  EXPECT_LT(spi::angle_between(found.rotation, spi::conjugate(move.rotation)), 0.2 * kDegree);
  const auto agreement =
      spi::intensity_shell_correlation(cpu, kGrid, a, spi::apply(cpu, kGrid, b, found));
  for (std::size_t s = 1; s < 10; ++s) EXPECT_GT(agreement[s], 0.99) << "shell " << s;
}

TEST(AlignmentTest, NothingIsLostWhereNothingMoves) {
  compute::Cpu cpu(2);
  const auto a = volume_of_blobs(kGrid, made_blobs(5, 12, 5.0));
  const auto b = spi::apply(cpu, kGrid, a, {});
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  EXPECT_LT(worst, 2e-2);  // blobs reach a little beyond the sphere of modes
  const auto again = spi::apply(cpu, kGrid, b, {});
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(again[i], b[i], 1e-9);
}

}  // namespace
}  // namespace unfold::test
