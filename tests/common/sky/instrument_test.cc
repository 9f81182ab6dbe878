#include "common/sky/instrument.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>

#include "common/sky/healpix.h"
#include "tests/common/formats/peer.h"
#include "tests/common/sky/binary_files.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::sky {
namespace {

constexpr double kPi = std::numbers::pi;
constexpr std::uint16_t kOutside = 65535;

/// Pointings all over the sky, none special.
std::vector<Axes> some_pointings(int count) {
  std::vector<Axes> result;
  for (int i = 0; i < count; ++i) {
    const double l = std::fmod(77.7 * i, 360);
    const double b = 80 * std::sin(1.3 * i);
    // x lies on the great circle towards the north pole's side, so that x and z are perpendicular.
    result.push_back(axes_of(l, b - 90, l, b));
  }
  return result;
}

TEST(Axes, AreRightHandedAndPerpendicular) {
  for (const Axes& a : some_pointings(20)) {
    const auto dot = [&](std::size_t i, std::size_t j) {
      return a[3 * i] * a[3 * j] + a[3 * i + 1] * a[3 * j + 1] + a[3 * i + 2] * a[3 * j + 2];
    };
    EXPECT_NEAR(dot(0, 1), 0, 1e-14);
    EXPECT_NEAR(dot(1, 2), 0, 1e-14);
    EXPECT_NEAR(dot(1, 1), 1, 1e-14);
    EXPECT_NEAR(a[0] * a[4] - a[1] * a[3], a[8], 1e-12);
  }
}

class LookupOfCase : public testing::TestWithParam<const char*> {};

TEST_P(LookupOfCase, IsTheStoredOne) {
  const auto file = test::shared_file(std::string("data/imaging/") + GetParam() + ".h5");
  if (file.empty()) GTEST_SKIP() << "shared data absent";
  const test::ScratchFolder folder;
  const int code =
      test::run_peer("sky/sky_peer.py", "case " + folder.path().string() + " " + file.string());
  if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-h5py absent";
  ASSERT_EQ(code, 0);
  const auto step = test::values_of<double>(folder.path() / "step");
  const auto stored = test::values_of<std::uint16_t>(folder.path() / "lookup");
  const Grid sky = regular_grid(step[0]);
  EXPECT_EQ(sky.l_deg, test::values_of<double>(folder.path() / "l_deg"));
  EXPECT_EQ(sky.b_deg, test::values_of<double>(folder.path() / "b_deg"));
  const auto solid_angle = test::values_of<double>(folder.path() / "solid_angle");
  for (std::size_t p = 0; p < solid_angle.size(); ++p)
    EXPECT_NEAR(sky.solid_angle[p], solid_angle[p], 1e-15);

  const auto flat = test::values_of<double>(folder.path() / "axes");
  std::vector<Axes> pointings(flat.size() / 9);
  for (std::size_t i = 0; i < flat.size(); ++i) pointings[i / 9][i % 9] = flat[i];
  const Lookup ours =
      make_lookup(pointings, sky, {.step_deg = step[0]}, step[1], Interpolation::kNearest);
  ASSERT_EQ(ours.direction.size(), stored.size());
  EXPECT_TRUE(ours.weight.empty());
  std::size_t different = 0;
  for (std::size_t i = 0; i < stored.size(); ++i) different += ours.direction[i] != stored[i];
  RecordProperty("different", static_cast<int>(different));
  EXPECT_EQ(different, 0u) << "of " << stored.size();
}

INSTANTIATE_TEST_SUITE_P(SharedCases, LookupOfCase,
                         testing::Values("01_tiny_basic", "04_two_near_sources",
                                         "07_six_background_groups"));

TEST(Lookup, NearestIsTheFloorOfExactAngles) {
  const Grid sky = healpix_grid(8, false);
  const std::vector<double> s = directions(sky);
  const std::vector<Axes> pointings = some_pointings(40);
  const Lookup lookup = make_lookup(pointings, sky, {.step_deg = 6}, 90, Interpolation::kNearest);
  for (std::size_t v = 0; v < pointings.size(); ++v) {
    const Axes& a = pointings[v];
    for (std::size_t p = 0; 3 * p < s.size(); ++p) {
      const auto along = [&](std::size_t axis) {
        return s[3 * p] * a[3 * axis] + s[3 * p + 1] * a[3 * axis + 1] +
               s[3 * p + 2] * a[3 * axis + 2];
      };
      const double zenith = std::acos(std::clamp(along(2), -1., 1.)) * 180 / kPi;
      double azimuth = std::atan2(along(1), along(0)) * 180 / kPi;
      if (azimuth < 0) azimuth += 360;
      const int iz = std::min(29, static_cast<int>(zenith / 6));
      const int ia = std::min(59, static_cast<int>(azimuth / 6));
      const int k = (iz + 0.5) * 6 > 90 ? kOutside : iz * 60 + ia;
      ASSERT_EQ(lookup.direction[v * s.size() / 3 + p], k) << zenith << " " << azimuth;
    }
  }
}

/// The mean of a function of the instrument's frame over the neighbours of each sky pixel.
template <class Function>
double worst_interpolation(const LocalGrid& local, Function function) {
  const Grid sky = regular_grid(10);
  const std::vector<double> s = directions(sky);
  const std::vector<Axes> pointings = some_pointings(10);
  const Lookup lookup = make_lookup(pointings, sky, local, 180, Interpolation::kBilinear);
  EXPECT_EQ(lookup.neighbours, 4);
  double worst = 0;
  for (std::size_t i = 0; i < pointings.size() * sky.l_deg.size(); ++i) {
    const Axes& a = pointings[i / sky.l_deg.size()];
    const double* at = &s[3 * (i % sky.l_deg.size())];
    double sum = 0;
    double value = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      sum += lookup.weight[4 * i + j];
      value += lookup.weight[4 * i + j] * function(local, lookup.direction[4 * i + j]);
    }
    EXPECT_NEAR(sum, 1, 3e-7);
    const double exact = at[0] * (a[6] + a[0]) + at[1] * (a[7] + a[1]) + at[2] * (a[8] + a[2]);
    worst = std::max(worst, std::abs(value - exact));
  }
  return worst;
}

TEST(Lookup, BilinearWeightsSumToOneAndFollowASmoothFunction) {
  // z + x in the instrument's frame.
  const auto value = [](const LocalGrid& local, int k) {
    healpix::Point at;
    if (local.kind == GridKind::kHealpix) {
      at = healpix::centre(local.nside, local.nested, k);
    } else {
      const int columns = static_cast<int>(360 / local.step_deg);
      at = {(k / columns + 0.5) * local.step_deg * kPi / 180,
            (k % columns + 0.5) * local.step_deg * kPi / 180};
    }
    return std::cos(at.polar) + std::sin(at.polar) * std::cos(at.azimuth);
  };
  EXPECT_LT(worst_interpolation({.step_deg = 6}, value), 0.005);
  EXPECT_LT(worst_interpolation({.kind = GridKind::kHealpix, .nside = 8}, value), 0.05);
  EXPECT_LT(worst_interpolation({.kind = GridKind::kHealpix, .nside = 8, .nested = true}, value),
            0.05);
}

TEST(Lookup, HealpixDirectionsBeyondTheCutAreLeftOut) {
  const LocalGrid local{.kind = GridKind::kHealpix, .nside = 8};
  const Grid sky = regular_grid(6);
  const Lookup lookup = make_lookup(some_pointings(5), sky, local, 60, Interpolation::kNearest);
  const auto seen = static_cast<double>(
      std::count_if(lookup.direction.begin(), lookup.direction.end(), [&](std::uint16_t k) {
        EXPECT_TRUE(k == kOutside || healpix::centre(8, false, k).polar <= 60 * kPi / 180);
        return k != kOutside;
      }));
  EXPECT_GT(seen, 0);
  EXPECT_LT(seen, 0.5 * static_cast<double>(lookup.direction.size()));
}

TEST(Lookup, TheEarthHidesWhatIsBeyondItsLimb) {
  // From 500 km the Earth's radius is 68 degrees: what is more than 112 degrees off the zenith.
  const Axes axes = axes_of(0, 0, 0, 90);
  const Grid sky = regular_grid(2);
  const std::vector<EarthLimb> limb = {earth_limb(90, 0, 500)};
  const Lookup lookup =
      make_lookup({axes}, sky, {.step_deg = 6}, 180, Interpolation::kNearest, limb);
  const double edge = 180 - std::asin(6378. / 6878.) * 180 / kPi;
  const std::vector<double> s = directions(sky);
  for (std::size_t p = 0; p < lookup.direction.size(); ++p) {
    const double off = std::acos(std::clamp(s[3 * p + 1], -1., 1.)) * 180 / kPi;
    EXPECT_EQ(lookup.direction[p] == kOutside, off > edge) << off;
  }
  EXPECT_NEAR(edge, 112, 1);
}

TEST(Lookup, RefusesWhatItCannotCount) {
  const Grid sky = regular_grid(18);
  EXPECT_THROW(make_lookup({}, sky, {.step_deg = 0.5}, 90, Interpolation::kNearest),
               std::invalid_argument);
  EXPECT_THROW(make_lookup(some_pointings(2), sky, {}, 90, Interpolation::kNearest, {EarthLimb{}}),
               std::invalid_argument);
}

TEST(Fisbel, Of1145BinsHasTheCollarsOfTheDataChallenge) {
  const Fisbel binning = fisbel(1145);
  const std::vector<int> expected = {1,  7,  13, 19, 25, 30, 35, 40, 44, 48, 52, 54, 57, 58, 60, 59,
                                     60, 58, 57, 54, 52, 48, 44, 40, 35, 30, 25, 19, 13, 7,  1};
  EXPECT_EQ(binning.longitudes, expected);
  for (std::size_t c = 0; c < expected.size(); ++c)
    EXPECT_NEAR((std::cos(binning.edge[c]) - std::cos(binning.edge[c + 1])) / expected[c],
                2. / 1145, 1e-12);
}

TEST(Fisbel, EveryCentreLiesInItsBin) {
  for (const int bins : {1, 2, 127, 1145}) {
    const Fisbel binning = fisbel(bins);
    const std::vector<double> centres = fisbel_centres(binning);
    ASSERT_EQ(centres.size(), 2 * static_cast<std::size_t>(bins));
    for (std::size_t f = 0; f < centres.size() / 2; ++f)
      EXPECT_EQ(fisbel_bin(binning, centres[2 * f], centres[2 * f + 1]),
                static_cast<std::int64_t>(f));
  }
}

TEST(Fisbel, LosesTheSliverThatRoundedEdgesLeaveBeforeAFullTurn) {
  const Fisbel binning = fisbel(1145);
  EXPECT_EQ(fisbel_bin(binning, 1.5, std::nextafter(2 * kPi, 0)), -1);
  EXPECT_GE(fisbel_bin(binning, 1.5, 6.2831849), 0);
  EXPECT_EQ(fisbel_bin(binning, kPi, 0), 1144);
  EXPECT_EQ(fisbel_bin(binning, 0, 0), 0);
}

}  // namespace
}  // namespace unfold::sky
