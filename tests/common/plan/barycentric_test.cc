#include "common/plan/barycentric.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iomanip>
#include <random>

#include "common/base/error.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"

namespace unfold::plan {
namespace {

fits::Header header_of(std::initializer_list<std::pair<const char*, double>> cards) {
  fits::Header out;
  for (const auto& [key, value] : cards) out.set(key, value);
  return out;
}

TEST(Barycentric, AgreesWithAstropyOnRandomPointings) {
  std::mt19937_64 random(20261120);
  std::uniform_real_distribution<double> ra(0, 360);
  std::uniform_real_distribution<double> sine(-1, 1);
  std::uniform_real_distribution<double> mjd(58000, 61500);
  const test::ScratchFolder folder;
  std::vector<Pointing> pointings;
  std::ofstream input(folder / "in");
  input << std::setprecision(17);
  for (int i = 0; i < 100; ++i) {
    const Pointing& p = pointings.emplace_back(
        Pointing{ra(random), std::asin(sine(random)) * 57.29577951308232, mjd(random)});
    input << p.ra_degrees << ' ' << p.dec_degrees << ' ' << p.mjd << '\n';
  }
  input.close();
  const int code =
      test::run_peer("plan/barycentric_peer.py",
                     "< " + (folder / "in").string() + " > " + (folder / "out").string());
  if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-astropy absent";
  ASSERT_EQ(code, 0);
  std::ifstream output(folder / "out");
  double worst = 0;
  for (const Pointing& p : pointings) {
    double want = 0;
    ASSERT_TRUE(output >> want);
    worst = std::max(worst, std::abs(barycentric_factor(p) - want));
  }
  RecordProperty("worst_difference", std::to_string(worst * 1e12) + "e-12");
  EXPECT_LT(worst, 1e-9);
}

TEST(Barycentric, GivesTheFactorOfTheReferenceFrame) {
  const auto pointing = pointing_of(
      header_of({{"TARGTRA", 150.1}, {"TARGTDEC", 2.2}, {"MJD-OBS", 59197.4}, {"EXPTIME", 1000}}),
      {});
  ASSERT_TRUE(pointing.ok());
  EXPECT_NEAR(barycentric_factor(*pointing), 1.0000934, 5e-8);
}

TEST(Barycentric, TheTimeIsMidExposureAndTargetComesFirst) {
  const auto pointing = pointing_of(header_of({{"RA", 1},
                                               {"TARGTRA", 2},
                                               {"DEC", 3},
                                               {"TELDEC", 4},
                                               {"MJD", 1},
                                               {"MJD-OBS", 59000},
                                               {"EXPTIME", 8640}}),
                                    {});
  ASSERT_TRUE(pointing.ok());
  EXPECT_EQ(pointing->ra_degrees, 2);
  EXPECT_EQ(pointing->dec_degrees, 4);
  EXPECT_DOUBLE_EQ(pointing->mjd, 59000.05);
}

TEST(Barycentric, AskedOfTheFibermapWhereTheImageDoesNotSay) {
  const auto fibermap = header_of({{"TARGTRA", 2}, {"TARGTDEC", 4}, {"MJD-OBS", 59000}});
  EXPECT_EQ(pointing_of({}, fibermap)->ra_degrees, 2);
  EXPECT_EQ(pointing_of(header_of({{"RA", 1}, {"DEC", 1}, {"MJD", 59000}}), fibermap)->ra_degrees,
            1);
}

TEST(Barycentric, MissingOrImpossibleCoordinatesAreRefused) {
  const auto reason = [](std::initializer_list<std::pair<const char*, double>> cards) {
    return reason_of(pointing_of(header_of(cards), {}).status());
  };
  EXPECT_EQ(reason({}), "MISSING_COORDINATES");
  EXPECT_EQ(reason({{"RA", 1}, {"MJD", 59000}}), "MISSING_COORDINATES");
  EXPECT_EQ(reason({{"RA", 1}, {"DEC", 1}}), "MISSING_COORDINATES");
  EXPECT_EQ(reason({{"RA", 1}, {"DEC", 91}, {"MJD", 59000}}), "BAD_HEADER_VALUE");
  EXPECT_EQ(reason({{"RA", 1}, {"DEC", 1}, {"MJD", 59}}), "BAD_HEADER_VALUE");
  fits::Header nan = header_of({{"DEC", 1}, {"MJD", 59000}});
  nan.append_card("RA      = NaN");
  EXPECT_EQ(reason_of(pointing_of(nan, {}).status()), "BAD_HEADER_VALUE");
}

}  // namespace
}  // namespace unfold::plan
