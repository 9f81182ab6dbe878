// From the Data Challenge's own files through `unfold import imaging` to a job's input.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "common/formats/imaging/raw_source.h"
#include "common/simulate/imaging_files.h"
#include "tests/client/service.h"
#include "tests/support/scratch_folder.h"

namespace unfold {
namespace {

class ImportImaging : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_ / "data");  // where programs run
    auto options = simulate::imaging_preset("tiny");
    ASSERT_TRUE(options.ok());
    simulate::ImagingFileOptions files;
    files.output = folder_ / "truth.h5";
    files.raw_folder = folder_ / "raw";
    const auto made = simulate::simulate_imaging(*options, files);
    ASSERT_TRUE(made.ok()) << made.status();
    raw_ = made->raw;
  }
  test::Ran import(const std::vector<std::string>& more) {
    std::vector<std::string> command = {UNFOLD_BIN_DIR "/unfold",
                                        "import",
                                        "imaging",
                                        "--pixel",
                                        "18",
                                        "--output-format",
                                        "json",
                                        "--data",
                                        raw_.events,
                                        "--response",
                                        raw_.response,
                                        "--background-file",
                                        raw_.background,
                                        "-o",
                                        folder_ / "day.h5"};
    command.insert(command.end(), more.begin(), more.end());
    return test::Background(command, folder_, "run" + std::to_string(runs_++)).finish();
  }
  int runs_ = 0;
  test::ScratchFolder folder_;
  simulate::RawImagingFiles raw_;
};

TEST_F(ImportImaging, WritesAJobsInputWithTheSimulatedCounts) {
  const test::Ran ran = import({"--attitude", raw_.attitude});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto summary = ran.json();
  const auto source = imaging_data::open_source({.data = {folder_ / "day.h5", "day.h5"}}, {});
  ASSERT_TRUE(source.ok()) << source.status();
  const auto counts = (*source)->counts();
  ASSERT_TRUE(counts.ok()) << counts.status();
  const double total = std::accumulate(counts->value.begin(), counts->value.end(), 0.0);
  EXPECT_EQ(summary["counts"], total);
  EXPECT_EQ(summary["events"].get<double>(), total + summary["lost_outside_energy"].get<double>() +
                                                 summary["lost_outside_template"].get<double>() +
                                                 summary["lost_in_binning_gaps"].get<double>() +
                                                 summary["lost_after_last_time_bin"].get<double>());
  EXPECT_EQ((*source)->header().pointings, summary["pointings"]);
  EXPECT_EQ((*source)->header().bins, summary["data_bins"]);
  EXPECT_TRUE((*source)->background({"background_live"}).ok());
  EXPECT_TRUE((*source)->response().ok());
}

TEST_F(ImportImaging, NeverReplacesAFileUnasked) {
  ASSERT_EQ(import({}).code, 0);
  EXPECT_NE(import({}).code, 0);
  EXPECT_EQ(import({"--overwrite", "--events"}).code, 0);
}

TEST_F(ImportImaging, NamesWhatItCannotRead) {
  const test::Ran ran = import({"--attitude", raw_.events});
  EXPECT_NE(ran.code, 0);
  EXPECT_NE(ran.err.find("Type OrientationsGalactic"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace unfold
