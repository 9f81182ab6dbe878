// Which pixels the replicates give an error to.
#include "workers/kernels/imaging/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace unfold::test {
namespace {

using imaging::BootstrapTally;
using imaging::Index;

/// Forty replicates of two pixels; `dark` of them owe the first pixel half a count.
imaging::Result tally_with(Index dark) {
  const std::vector<double> exposure{2, 2};
  BootstrapTally tally(exposure, 0, 0);
  for (Index r = 0; r < 40; ++r) {
    const double lit = 3.0 + static_cast<double>(r % 2);
    tally.add({{r < dark ? 0.25 : lit, lit}, {}}, {}, 1);
  }
  imaging::Result result;
  tally.finish(result);
  return result;
}

TEST(BootstrapTally, APixelDarkInMoreThanOneReplicateInTwentyIsFlaggedAndHasNoError) {
  const imaging::Result result = tally_with(3);
  EXPECT_EQ(result.on_bound[0], 1);
  EXPECT_TRUE(std::isnan(result.standard_error[0]));
  EXPECT_EQ(result.on_bound[1], 0);
}

TEST(BootstrapTally, APixelDarkInOneReplicateInTwentyHasAnError) {
  const imaging::Result result = tally_with(2);
  EXPECT_EQ(result.on_bound[0], 0);
  EXPECT_GT(result.standard_error[0], 0.5);
}

TEST(BootstrapTally, AnErrorIsTheStandardDeviationOfTheReplicates) {
  // 3 and 4 in turn: mean 3.5, sum of squares 40 / 4.
  EXPECT_NEAR(tally_with(0).standard_error[1], std::sqrt(10.0 / 39), 1e-12);
}

}  // namespace
}  // namespace unfold::test
