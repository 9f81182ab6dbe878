#include "workers/kernels/spi/patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace unfold::spi {
namespace {

using testing::ElementsAre;

/// Three frames of four pixels, each way of holding them.
class PatternSetTest : public testing::TestWithParam<int> {
 protected:
  static PatternSet made() {
    if (GetParam() == 0)
      return PatternSet::dense(3, 4, std::vector<float>{0, 1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 7});
    if (GetParam() == 1)
      return PatternSet::dense(3, 4,
                               std::vector<std::uint16_t>{0, 1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 7});
    return PatternSet::sparse(4, {0, 2, 2, 4}, {1, 2, 3, 0}, {1, 2, 7, 5});
  }
};

std::vector<float> rows_of(const PatternSet& set, Index first, Index count) {
  std::vector<float> out(static_cast<std::size_t>(count * set.pixels()), -1);
  set.rows(first, count, View<float, 2>(out.data(), count, set.pixels()));
  return out;
}

TEST_P(PatternSetTest, GivesBackItsFrames) {
  const PatternSet set = made();
  EXPECT_EQ(set.frames(), 3);
  EXPECT_EQ(set.pixels(), 4);
  EXPECT_EQ(set.is_sparse(), GetParam() == 2);
  EXPECT_THAT(rows_of(set, 0, 3), ElementsAre(0, 1, 2, 0, 0, 0, 0, 0, 5, 0, 0, 7));
  EXPECT_THAT(rows_of(set, 2, 1), ElementsAre(5, 0, 0, 7));
  std::vector<float> out(8, -1);
  const std::vector<Index> named = {2, 0};
  set.rows(named, View<float, 2>(out.data(), 2, 4));
  EXPECT_THAT(out, ElementsAre(5, 0, 0, 7, 0, 1, 2, 0));
}

TEST_P(PatternSetTest, SumsTheChosenPixelsOfAFrame) {
  const PatternSet set = made();
  const std::vector<std::uint8_t> chosen = {1, 1, 0, 1};
  EXPECT_EQ(set.total(0, chosen), 1);
  EXPECT_EQ(set.total(1, chosen), 0);
  EXPECT_EQ(set.total(2, chosen), 12);
}

TEST_P(PatternSetTest, KeepsItsKindInASubset) {
  const std::vector<Index> named = {2, 2, 1};
  const PatternSet few = made().subset(named);
  EXPECT_EQ(few.is_sparse(), GetParam() == 2);
  EXPECT_THAT(rows_of(few, 0, 3), ElementsAre(5, 0, 0, 7, 5, 0, 0, 7, 0, 0, 0, 0));
}

TEST_P(PatternSetTest, ASubsetKnowsWhatItWasFirstTakenFrom) {
  const PatternSet all = made();
  const std::vector<Index> named = {2, 0}, fewer = {1, 1, 0};
  const PatternSet some = all.subset(named).subset(fewer);
  EXPECT_EQ(some.origin().identity.lock(), all.identity().lock());
  EXPECT_THAT(some.origin().frames, ElementsAre(0, 0, 2));
  EXPECT_EQ(all.origin().identity.lock(), nullptr);
}

TEST_P(PatternSetTest, HoldsTheSameWhenSparse) {
  const PatternSet sparse = made().to_sparse();
  ASSERT_TRUE(sparse.is_sparse());
  EXPECT_EQ(rows_of(sparse, 0, 3), rows_of(made(), 0, 3));
  EXPECT_EQ(sparse.photons(1).pixel.size(), 0U);
  EXPECT_GT(sparse.bytes(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, PatternSetTest, testing::Values(0, 1, 2));

TEST(PatternSetShapeTest, WhatContradictsItsShapeIsRefused) {
  EXPECT_THROW(PatternSet::dense(2, 3, std::vector<float>(5)), std::invalid_argument);
  EXPECT_THROW(PatternSet::dense(2, 3, std::vector<std::uint16_t>(7)), std::invalid_argument);
  EXPECT_THROW(PatternSet::sparse(4, {0, 1}, {4}, {1}), std::invalid_argument);
  EXPECT_THROW(PatternSet::sparse(4, {0, 2}, {1}, {1}), std::invalid_argument);
  EXPECT_THROW(PatternSet::sparse(4, {0, 2, 1, 3}, {1, 2, 3}, {1, 1, 1}), std::invalid_argument);
  EXPECT_THROW(PatternSet::sparse(4, {}, {}, {}), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::spi
