#include "common/sky/healpix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "common/sky/grid.h"
#include "tests/common/formats/peer.h"
#include "tests/common/sky/binary_files.h"
#include "tests/support/scratch_folder.h"

namespace unfold::sky {
namespace {

class HealpixAgainstHealpy : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    const int code = test::run_peer(
        "sky/sky_peer.py", "healpix " + folder_.path().string() + " " + std::to_string(nside()));
    if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-healpy absent";
    ASSERT_EQ(code, 0);
  }
  int nside() const { return GetParam(); }
  template <class T>
  std::vector<T> peer(const std::string& name, bool nested) const {
    return test::values_of<T>(folder_.path() / (name + (nested ? "_nested" : "_ring")));
  }
  std::vector<double> points() const { return test::values_of<double>(folder_.path() / "points"); }

  test::ScratchFolder folder_;
};

TEST_P(HealpixAgainstHealpy, CentresAreTheSamePoints) {
  for (const bool nested : {false, true}) {
    const std::vector<double> theirs = peer<double>("centres", nested);
    ASSERT_EQ(theirs.size(), 2 * static_cast<std::size_t>(healpix::pixels(nside())));
    for (std::size_t p = 0; 2 * p < theirs.size(); ++p) {
      const auto ours = healpix::centre(nside(), nested, static_cast<std::int64_t>(p));
      ASSERT_NEAR(ours.polar, theirs[2 * p], 1e-14) << p;
      ASSERT_NEAR(ours.azimuth, theirs[2 * p + 1], 1e-14) << p;
    }
  }
}

TEST_P(HealpixAgainstHealpy, PointsLieInTheSamePixels) {
  const std::vector<double> at = points();
  for (const bool nested : {false, true}) {
    const auto theirs = peer<std::int64_t>("pixels", nested);
    ASSERT_EQ(theirs.size() * 2, at.size());
    for (std::size_t i = 0; i < theirs.size(); ++i)
      ASSERT_EQ(healpix::pixel_of(nside(), nested, at[2 * i], at[2 * i + 1]), theirs[i]) << i;
  }
}

TEST_P(HealpixAgainstHealpy, NeighboursAreTheSameInTheSameOrder) {
  for (const bool nested : {false, true}) {
    const auto theirs = peer<std::int64_t>("neighbours", nested);
    for (std::size_t p = 0; 8 * p < theirs.size(); ++p) {
      const auto ours = healpix::neighbours(nside(), nested, static_cast<std::int64_t>(p));
      ASSERT_TRUE(std::equal(ours.begin(), ours.end(), theirs.begin() + static_cast<long>(8 * p)))
          << p;
    }
  }
}

TEST_P(HealpixAgainstHealpy, InterpolationHasTheSameWeights) {
  const std::vector<double> at = points();
  for (const bool nested : {false, true}) {
    const auto near = peer<std::int64_t>("near", nested);
    const auto weight = peer<double>("weight", nested);
    for (std::size_t i = 0; 2 * i < at.size(); ++i) {
      const auto ours = healpix::interpolate(nside(), nested, at[2 * i], at[2 * i + 1]);
      for (std::size_t j = 0; j < 4; ++j) {
        double theirs = 0;
        double mine = 0;
        for (std::size_t k = 0; k < 4; ++k) {
          if (near[4 * i + k] == ours.pixel[j]) theirs += weight[4 * i + k];
          if (ours.pixel[k] == ours.pixel[j]) mine += ours.weight[k];
        }
        ASSERT_NEAR(mine, theirs, 1e-12) << i;
      }
    }
  }
}

TEST_P(HealpixAgainstHealpy, OrderingsConvertIntoEachOther) {
  const auto theirs = test::values_of<std::int64_t>(folder_.path() / "ring_of_nested");
  for (std::size_t p = 0; p < theirs.size(); ++p) {
    const auto pixel = static_cast<std::int64_t>(p);
    ASSERT_EQ(healpix::ring_of_nested(nside(), pixel), theirs[p]);
    ASSERT_EQ(healpix::nested_of_ring(nside(), theirs[p]), pixel);
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, HealpixAgainstHealpy, testing::Values(1, 4, 64),
                         testing::PrintToStringParamName());

TEST(Healpix, ACentreLiesInItsOwnPixelUpToTheLargestMap) {
  for (const int nside : {1, 16, 1024}) {
    const std::int64_t pixels = healpix::pixels(nside);
    for (std::int64_t p = 0; p < pixels; p += 1 + pixels / 5000) {
      for (const bool nested : {false, true}) {
        const healpix::Point at = healpix::centre(nside, nested, p);
        ASSERT_EQ(healpix::pixel_of(nside, nested, at.polar, at.azimuth), p) << nside;
      }
    }
  }
}

TEST(Healpix, PolesAndTheWrapOfAzimuthBelongToPixels) {
  for (const double polar : {0., std::numbers::pi / 2, std::numbers::pi})
    for (const double azimuth : {-1e-18, 0., 2 * std::numbers::pi, -3., 100.}) {
      const std::int64_t pixel = healpix::pixel_of(8, false, polar, azimuth);
      EXPECT_GE(pixel, 0);
      EXPECT_LT(pixel, healpix::pixels(8));
      double sum = 0;
      for (const double weight : healpix::interpolate(8, false, polar, azimuth).weight)
        sum += weight;
      EXPECT_NEAR(sum, 1, 1e-14);
    }
}

}  // namespace
}  // namespace unfold::sky
