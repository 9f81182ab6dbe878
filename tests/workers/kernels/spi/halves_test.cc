#include "workers/kernels/spi/halves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numbers>
#include <set>

#include "tests/support/made_volume.h"

namespace unfold::test {
namespace {

using spi::Estimate;
using spi::Index;
using spi::Quaternion;
using testing::ElementsAre;

constexpr double kDegree = std::numbers::pi / 180;
constexpr Index kGrid = 21;

TEST(HalvesTest, HalvesAreDisjointHoldAllAndFollowTheSeed) {
  const spi::Split split = spi::split_frames(101, 7);
  EXPECT_EQ(split.member[0].size(), 51u);
  EXPECT_EQ(split.member[1].size(), 50u);
  std::set<Index> all(split.member[0].begin(), split.member[0].end());
  all.insert(split.member[1].begin(), split.member[1].end());
  EXPECT_EQ(all.size(), 101u);
  EXPECT_EQ(spi::split_frames(101, 7).half, split.half);
  EXPECT_NE(spi::split_frames(101, 8).half, split.half);
}

TEST(HalvesTest, PartsHaveSeedsOfTheirOwn) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (std::uint64_t part = 0; part < 4; ++part) seeds.insert(spi::seed_of_part(seed, part));
  }
  EXPECT_EQ(seeds.size(), 16u);
}

/// One frame a conformation, at the volume frames `turn`.
Estimate estimate_of(const std::vector<Blobs>& kinds, const std::vector<Quaternion>& orientation) {
  Estimate out;
  for (std::size_t c = 0; c < kinds.size(); ++c) {
    out.autocorrelation.push_back(autocorrelation(kGrid, volume_of_blobs(kGrid, kinds[c])));
    out.conformation.push_back(static_cast<std::int32_t>(c));
    out.fluence.push_back(1.0 + static_cast<double>(c));
    out.non_hit.push_back(0);
  }
  out.orientation = orientation;
  return out;
}

TEST(HalvesTest, ConformationsFindTheirPartnersAndFramesTheFirstHalfsFrame) {
  compute::Cpu cpu(2);
  const Blobs one = made_blobs(1, 10, 2.5), two = made_blobs(2, 10, 2.5);
  // Half 2 names them the other way round, in frames of its own.
  const Move turn_one{spi::random_rotation(5, 0, 1)}, turn_two{spi::random_rotation(5, 0, 2)};
  const Quaternion seen_one = spi::random_rotation(6, 0, 1),
                   seen_two = spi::random_rotation(6, 0, 2);
  const Estimate first = estimate_of({one, two}, {seen_one, seen_two});
  // R^T q = x in half 1's frame is T x in half 2's: R' = R T^T.
  const Estimate second = estimate_of({moved(two, turn_two), moved(one, turn_one)},
                                      {spi::multiply(seen_two, spi::conjugate(turn_two.rotation)),
                                       spi::multiply(seen_one, spi::conjugate(turn_one.rotation))});
  const spi::Pairing pairing = spi::pair_halves(cpu, kGrid, first, second);
  EXPECT_THAT(pairing.partner, ElementsAre(1, 0));

  spi::Split split;
  split.half = {0, 1, 1, 0};
  split.member[0] = {0, 3};
  split.member[1] = {1, 2};
  const spi::Joined joined = spi::join_halves(split, first, second, pairing);
  EXPECT_THAT(joined.conformation, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(joined.fluence, ElementsAre(1.0, 1.0, 2.0, 2.0));
  const Quaternion expected[] = {seen_one, seen_two, seen_one, seen_two};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_LT(spi::angle_between(joined.orientation[i], expected[i]), 2 * kDegree) << i;
  }
}

}  // namespace
}  // namespace unfold::test
