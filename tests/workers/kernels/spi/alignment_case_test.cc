// The molecule of the shared case, moved by a known rotation, shift and inversion.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/made_volume.h"
#include "tests/support/shared_data.h"
#include "tests/support/spi_case.h"
#include "workers/kernels/spi/agreement.h"

namespace unfold::test {
namespace {

constexpr double kDegree = std::numbers::pi / 180;
constexpr spi::Index kGrid = 37;

TEST(AlignmentCaseTest, TheMoleculeIsLaidBackWithinAFifthOfADegree) {
  const auto file = shared_file("data/spi/c4_full_clean.h5");
  if (file.empty()) GTEST_SKIP() << "no shared data";
  const std::vector<double> truth = Hdf5Numbers(file.string()).doubles("rho_true");
  ASSERT_EQ(truth.size(), static_cast<std::size_t>(kGrid * kGrid * kGrid));
  compute::Cpu cpu(2);
  for (const bool inverted : {false, true}) {
    const Move move{spi::random_rotation(11, 0, inverted), {1.4, -0.8, 0.3}, inverted};
    spi::Alignment there{.rotation = move.rotation, .inverted = inverted};
    std::copy(move.shift.begin(), move.shift.end(), there.shift);
    const std::vector<double> away = spi::apply(cpu, kGrid, truth, there);
    const spi::Alignment found = spi::align_densities(cpu, kGrid, truth, away);
    EXPECT_EQ(found.inverted, inverted);
    EXPECT_LT(spi::angle_between(found.rotation, spi::conjugate(move.rotation)), 0.2 * kDegree);
    for (std::size_t d = 0; d < 3; ++d) EXPECT_NEAR(found.shift[d], back(move)[d], 0.05);
    EXPECT_GT(found.correlation, 0.999);
  }
}

}  // namespace
}  // namespace unfold::test
