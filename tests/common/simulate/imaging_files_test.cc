#include "common/simulate/imaging_files.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/error.h"
#include "common/formats/imaging/source.h"
#include "tests/support/scratch_folder.h"

namespace unfold::simulate {
namespace {

namespace fs = std::filesystem;

class SimulateImagingTest : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return (scratch_ / name).string(); }
  ImagingFiles simulate(const std::string& name) {
    files_.output = path(name);
    const absl::StatusOr<ImagingFiles> made = simulate_imaging(options_, files_);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.value_or(ImagingFiles());
  }
  static std::unique_ptr<imaging_data::Source> open(const ImagingFiles& files) {
    imaging_data::SourceFiles source;
    source.data = {files.data, "data"};
    if (!files.response.empty()) source.response = {files.response, "response"};
    auto opened = imaging_data::open_source(source, {});
    EXPECT_TRUE(opened.ok()) << opened.status();
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  const test::ScratchFolder scratch_;
  ImagingOptions options_;
  ImagingFileOptions files_;
};

TEST_F(SimulateImagingTest, WritesAProblemThatASourceReads) {
  options_.group_scale = {1, 2};
  files_.events = true;
  files_.response = path("apart/response.h5");
  const ImagingFiles files = simulate("made/imaging.h5");
  EXPECT_EQ(files.time_bins, 48);
  EXPECT_EQ(files.pointings, 192);
  EXPECT_EQ(files.pixels, 200);
  EXPECT_EQ(files.bins, 54);
  EXPECT_NEAR(files.flux, 0.13, 1e-12);
  EXPECT_NEAR(files.amplitudes[1] / files.amplitudes[0], 2, 1e-9);
  const auto source = open(files);
  ASSERT_NE(source, nullptr);
  const auto counts = source->counts();
  ASSERT_TRUE(counts.ok()) << counts.status();
  const imaging_data::ProblemParts parts = *make_imaging_problem(options_);
  EXPECT_EQ(counts->bin, parts.counts.bin);
  EXPECT_EQ(counts->value, parts.counts.value);
  EXPECT_EQ(*source->truth(), parts.truth);
  const auto attitude = source->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  EXPECT_EQ(attitude->lookup.direction, parts.attitude.lookup.direction);
  EXPECT_EQ(source->header().response_rows, 200);
}

TEST_F(SimulateImagingTest, TheSameSeedMakesTheSameFile) {
  const ImagingFiles first = simulate("first.h5");
  const ImagingFiles second = simulate("second.h5");
  options_.seed = 2;
  const ImagingFiles other = simulate("other.h5");
  EXPECT_EQ(test::read_text(first.data), test::read_text(second.data));
  EXPECT_NE(test::read_text(first.data), test::read_text(other.data));
}

TEST_F(SimulateImagingTest, RawFilesAreTheSameForTheSameSeed) {
  options_.time_bins = 4;
  options_.background_counts = 1000;
  files_.raw_folder = path("a");
  const ImagingFiles first = simulate("first.h5");
  files_.raw_folder = path("b");
  const ImagingFiles second = simulate("second.h5");
  EXPECT_EQ(test::read_text(first.raw.events), test::read_text(second.raw.events));
  EXPECT_EQ(test::read_text(first.raw.response), test::read_text(second.raw.response));
  EXPECT_EQ(test::read_text(first.raw.attitude), test::read_text(second.raw.attitude));
  EXPECT_GT(fs::file_size(first.raw.background), 0u);
}

TEST_F(SimulateImagingTest, AFileThatExistsIsKeptUnlessOverwritingIsAllowed) {
  const ImagingFiles made = simulate("imaging.h5");
  const absl::StatusOr<ImagingFiles> again = simulate_imaging(options_, files_);
  EXPECT_EQ(reason_of(again.status()), "OUTPUT_EXISTS");
  files_.overwrite = true;
  options_.seed = 9;
  const std::string before = test::read_text(made.data);
  EXPECT_NE(test::read_text(simulate("imaging.h5").data), before);
}

}  // namespace
}  // namespace unfold::simulate
