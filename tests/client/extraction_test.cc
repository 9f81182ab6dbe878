#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/service.h"

namespace unfold {
namespace {

using test::Ran;
using test::Service;
using testing::HasSubstr;

/// A frame from nothing to its summary, by the commands that a person types.
class ExtractionTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!test::have_programs()) return;
    service = std::make_unique<Service>(1);
    const Ran made = service->unfold(
        {"simulate", "extraction", "--nspec", "25", "-w", "6000,6160,0.8", "--gzip", "--dir", "."});
    ASSERT_EQ(made.code, 0) << made.err;
  }
  static void TearDownTestSuite() { service.reset(); }
  void SetUp() override {
    if (!test::have_programs()) GTEST_SKIP() << "scheduler and worker are not built";
  }

  static Ran submit(const std::vector<std::string>& more) {
    std::vector<std::string> command = {"submit", "extraction", "-i", kImage,
                                        "-p",     kPsf,         "-s", "0",
                                        "-n",     "25",         "-w", "6000,6160,0.8"};
    command.insert(command.end(), more.begin(), more.end());
    return service->unfold(command);
  }

  static constexpr char kImage[] = "preproc-r0-00051060.fits.gz";
  static constexpr char kPsf[] = "psf-r0-00051060.fits";
  static std::unique_ptr<Service> service;
};
std::unique_ptr<Service> ExtractionTest::service;

TEST_F(ExtractionTest, AFrameIsExtractedAndItsPullsAreThoseOfTheTruth) {
  const Ran ran = submit({"-o", "frame.fits", "--wait"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const Ran viewed = service->unfold(
      {"view", "frame.fits", "--truth", "truth-r0-00051060.fits", "--output-format", "json"});
  ASSERT_EQ(viewed.code, 0) << viewed.err;
  EXPECT_TRUE(std::filesystem::exists(service->data() / "frame.png"));
  const auto summary = viewed.json();
  EXPECT_EQ(summary["kind"], "frame");
  EXPECT_NEAR(summary["pull_mean"], 0.0, 0.1) << viewed.out;
  EXPECT_NEAR(summary["pull_deviation"], 1.0, 0.1) << viewed.out;
}

TEST_F(ExtractionTest, AFrameDiffersFromAnotherOnlyWhereTheJobDid) {
  ASSERT_EQ(submit({"-o", "a.fits", "--wait"}).code, 0);
  ASSERT_EQ(submit({"-o", "b.fits.gz", "--wait"}).code, 0);
  ASSERT_EQ(submit({"-o", "c.fits", "--wait", "--regularize", "1"}).code, 0);
  const Ran same = service->unfold({"diff", "a.fits", "b.fits.gz"});
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_EQ(service->unfold({"diff", "a.fits", "c.fits"}).code, 1);
}

TEST_F(ExtractionTest, ADryRunShowsThePlan) {
  const Ran ran = submit({"-o", "dry.fits", "--dry-run", "--output-format", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.json()["plan"]["outputs"][0]["path"], "data:dry.fits");
  EXPECT_FALSE(std::filesystem::exists(service->data() / "dry.fits"));
}

TEST_F(ExtractionTest, WhatIsWrongWithAJobIsNamedByItsField) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"-p", kImage}, "extraction.psf"},
      {{"-i", kPsf}, "extraction.image"},
      {{"-w", "3000,3100,0.8"}, "extraction.wavelength"},
      {{"-w", "6000,6160,-0.8"}, "extraction.wavelength"},
      {{"--nsubbundles", "4"}, "extraction.nsubbundles"},
      {{"-s", "490"}, "extraction."},
  };
  for (const auto& [change, field] : cases) {
    std::vector<std::string> command = {"submit", "extraction", "-o", "never.fits", "-n", "25"};
    const auto given = [&](const std::string& flag) { return change[0] == flag; };
    if (!given("-i")) command.insert(command.end(), {"-i", kImage});
    if (!given("-p")) command.insert(command.end(), {"-p", kPsf});
    if (!given("-w")) command.insert(command.end(), {"-w", "6000,6160,0.8"});
    command.insert(command.end(), change.begin(), change.end());
    const Ran ran = service->unfold(command);
    EXPECT_EQ(ran.code, 8) << change[0] << " " << change[1] << ": " << ran.err;
    EXPECT_THAT(ran.err, HasSubstr(field));
  }
}

TEST_F(ExtractionTest, AnExposureNamesTheMissingCameraAndRunsTheOthers) {
  const Ran ran = service->unfold({"submit", "exposure", "--night", "20261120", "--expid", "51060",
                                   "--input-dir", ".", "--output-dir", "frames", "--parents",
                                   "--cameras", "b0,r0", "-n", "25", "-w", "6000,6160,0.8",
                                   "--no-barycentric-correction", "--wait"});
  EXPECT_EQ(ran.code, 11) << ran.out << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("unfold: b0: "));
  EXPECT_EQ(ran.out, "20261120-00051060\n");
  EXPECT_EQ(service->unfold({"wait", "20261120-00051060"}).code, 0);
  const Ran cameras =
      service->unfold({"jobs", "get", "20261120-00051060", "--output-format", "csv"});
  EXPECT_THAT(cameras.out, HasSubstr("\nr0,"));
  EXPECT_TRUE(std::filesystem::exists(service->data() / "frames" / "frame-r0-00051060.fits"));
}

}  // namespace
}  // namespace unfold
