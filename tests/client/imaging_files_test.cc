#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "client/cli/commands.h"
#include "client/cli/exit_codes.h"
#include "client/cli/map_summary.h"
#include "common/formats/imaging/source.h"
#include "tests/support/scratch_folder.h"

namespace unfold::cli {
namespace {

using testing::HasSubstr;

/// Commands that need no service, as `unfold` runs them.
class ImagingFilesTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  int run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    Session session(out_, err_);
    CLI::App root;
    add_all(root, session);
    std::reverse(words.begin(), words.end());
    try {
      root.parse(words);
      return session.action();
    } catch (const CLI::ParseError& problem) {
      return root.exit(problem, out_, err_) == 0 ? kOk : kUsage;
    }
  }
  nlohmann::json printed() const { return nlohmann::json::parse(out_.str()); }

  const test::ScratchFolder folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(ImagingFilesTest, AProblemIsSimulatedAndDrawn) {
  ASSERT_EQ(run({"simulate", "imaging", "-o", path("day.h5"), "--response", path("response.h5"),
                 "--times", "8", "--groups", "1,2", "--source=-30,10,0.2", "--bulge", "0",
                 "--output-format", "json"}),
            kOk)
      << err_.str();
  EXPECT_EQ(printed()["time_bins"], 8);
  EXPECT_EQ(printed()["response"], path("response.h5"));
  EXPECT_NEAR(printed()["flux"], 0.2, 1e-12);
  EXPECT_EQ(printed()["background_amplitude"].size(), 2U);
  imaging_data::SourceFiles files;
  files.data = {path("day.h5"), "day"};
  files.response = {path("response.h5"), "response"};
  EXPECT_TRUE(imaging_data::open_source(files, {}).ok());
}

TEST_F(ImagingFilesTest, WhatWasSimulatedInOneFileCanBeViewed) {
  ASSERT_EQ(run({"simulate", "imaging", "-o", path("day.h5"), "--times", "8"}), kOk) << err_.str();
  ASSERT_EQ(run({"view", path("day.h5"), "-o", path("day.png"), "--output-format", "json"}), kOk)
      << err_.str();
  EXPECT_EQ(printed()["kind"], "problem");
  EXPECT_TRUE(std::filesystem::exists(path("day.png")));
}

TEST_F(ImagingFilesTest, RawFilesAreNamedInTheAnswer) {
  ASSERT_EQ(run({"simulate", "imaging", "-o", path("day.h5"), "--times", "4", "--orbit",
                 "--write-raw", path("raw"), "--output-format", "json"}),
            kOk)
      << err_.str();
  for (const char* name : {"raw_events", "raw_attitude", "raw_background", "raw_response"})
    EXPECT_TRUE(std::filesystem::exists(std::string(printed()[name]))) << name;
}

TEST_F(ImagingFilesTest, MistakesInFlagsAreUsageErrorsAndInValuesBadInput) {
  EXPECT_EQ(run({"simulate", "imaging", "--source", "4,5"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is not l,b,flux"));
  EXPECT_EQ(run({"simulate", "imaging", "--preset", "huge"}), kUsage);
  EXPECT_EQ(run({"simulate", "imaging", "-o", path("a.h5"), "--pixel", "7"}), kBadInput);
  EXPECT_THAT(err_.str(), HasSubstr("pixel"));
  ASSERT_EQ(run({"simulate", "imaging", "-o", path("a.h5"), "--times", "4"}), kOk);
  EXPECT_EQ(run({"simulate", "imaging", "-o", path("a.h5"), "--times", "4"}), kConflict);
  EXPECT_EQ(run({"simulate", "imaging", "-o", path("a.h5"), "--times", "4", "--overwrite"}), kOk);
}

TEST_F(ImagingFilesTest, AMapIsSummedUp) {
  imaging_data::MapProduct map;
  map.sky = sky::regular_grid(18);
  const std::size_t pixels = map.sky.l_deg.size();
  map.map.assign(pixels, 0.001);
  const auto peak = static_cast<std::size_t>(sky::pixel_of(map.sky, -30, 10));
  map.map[peak] = 0.5;
  for (const double area : map.sky.solid_angle) map.exposure.push_back(1000 * area);
  // Brighter, but hardly exposed.
  map.map[7] = 1;
  map.exposure[7] /= 50;
  map.log_likelihood = {-20, -11, -10.5};
  map.background_amplitude = {1, 1, 0.9, 1.1, 0.8, 1.2};
  map.amplitudes = 2;
  map.regions = {{"source", -30, 10, 20, 0.05, std::numeric_limits<double>::quiet_NaN(), 5}};
  ASSERT_TRUE(imaging_data::write_map(path("map.h5"), map).ok());
  ASSERT_EQ(run({"view", path("map.h5"), "-o", path("map.png"), "--output-format", "json"}), kOk)
      << err_.str();
  const nlohmann::json json = printed();
  EXPECT_EQ(json["kind"], "map");
  EXPECT_EQ(json["updates"], 3);
  EXPECT_EQ(json["peak_l_deg"], map.sky.l_deg[peak]);
  EXPECT_EQ(json["peak_b_deg"], map.sky.b_deg[peak]);
  EXPECT_NEAR(json["flux"],
              0.001 * 4 * M_PI + 0.499 * map.sky.solid_angle[peak] + 0.999 * map.sky.solid_angle[7],
              1e-9);
  EXPECT_NEAR(json["flux_well_exposed"],
              0.001 * (4 * M_PI - map.sky.solid_angle[7]) + 0.499 * map.sky.solid_angle[peak],
              1e-9);
  EXPECT_EQ(json["background_amplitude"], nlohmann::json({0.8, 1.2}));
  EXPECT_EQ(json["regions"][0]["name"], "source");
  EXPECT_TRUE(json["regions"][0]["standard_error"].is_null());
  EXPECT_TRUE(std::filesystem::exists(path("map.png")));
}

}  // namespace
}  // namespace unfold::cli
