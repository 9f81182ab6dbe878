#include "tests/workers/kernels/spi/stored_match.h"

namespace unfold::spi {
namespace {

using StoredMatchTest = StoredMatch;

TEST_F(StoredMatchTest, ReferencesAreTheSuperFibonacciRotations) {
  const std::vector<Quaternion> made = reference_rotations(8000, {1, 0, 0, 0});
  for (std::size_t j = 0; j < made.size(); ++j)
    EXPECT_LT(angle_between(made[j], references_[j]), 1e-7);
}
TEST_F(StoredMatchTest, NoiseFreeFramesFindWhatWasStored) { expect_stored("clean"); }
TEST_F(StoredMatchTest, AThousandPhotonsFindWhatWasStored) { expect_stored("poisson1000"); }
TEST_F(StoredMatchTest, AHundredPhotonsFindWhatWasStored) { expect_stored("poisson100"); }

}  // namespace
}  // namespace unfold::spi
