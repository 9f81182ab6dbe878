#include "common/formats/spi/density_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "tests/common/formats/peer.h"
#include "tests/common/formats/spi/patterns.h"
#include "tests/support/scratch_folder.h"

namespace unfold::spi_data {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kGrid = 5;
constexpr std::int64_t kFrames = 4;

std::vector<double> volume(double from) {
  std::vector<double> out(kGrid * kGrid * kGrid);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = from + static_cast<double>(i);
  return out;
}

DensityMap full_map(double from) {
  DensityMap out;
  out.density = volume(from);
  out.density[7] = 1.0 / 3;  // no float
  out.autocorrelation = volume(from + 1000);
  out.intensity = volume(from + 2000);
  out.intensity_weight = volume(from + 3000);
  out.support.assign(out.density.size(), 1);
  out.half_density = {volume(from + 4000), volume(from + 5000)};
  out.fsc = {1, 0.9, 0.5};
  out.fsc_corrected = {1, 0.8, 0.4};
  out.intensity_fsc = {1, 0.7, 0.3};
  out.prtf = {1, 0.95, 0.2};
  out.resolution = 9.5;
  out.intensity_resolution = std::numeric_limits<double>::infinity();
  out.phasing_agreement = 0.97;
  out.reference_density = volume(from + 6000);
  out.reference_fsc = {1, 0.99, 0.6};
  out.reference_numbers = {{"correlation", 0.96}, {"resolution_A", 9.7}};
  return out;
}

DensityFile full_file(std::size_t conformations) {
  DensityFile out;
  out.grid = kGrid;
  out.qmax = 0.125;
  for (std::size_t c = 0; c < conformations; ++c) {
    out.maps.push_back(full_map(100000.0 * static_cast<double>(c)));
  }
  out.frame = {0, 2, 3, 9};
  out.orientations.assign(kFrames, {0.5, -0.5, 0.5, 0.5});
  out.orientations[1] = {1, 0, 0, 0};
  out.fluences = {1, 1.2, 0.8, 1};
  out.scores = {-10, -11.5, -9, -30};
  out.gains = {3, 2, 4, -1};
  out.entropy = {0, 0.1, 0.2, 2};
  out.conformation = {0, 0, 1, 0};
  out.blacklist = {0, 0, 0, 1};
  out.half = {0, 1, 0, 1};
  out.background = {0.5F, 0.25F, 0};
  out.history = {.part = {"half 1", "all"},
                 .stage = {"coarse", "local"},
                 .numbers = {{"log_likelihood", {-12, -10}}, {"beta", {0.04, 1}}}};
  out.verdict = "ambiguous";
  out.reasons = {"the halves agree only to 20 A", "phasing starts differ"};
  out.attributes = {{"job", "abc"}, {"seed", std::int64_t{7}}, {"beta_factor", 1.3}};
  return out;
}

class DensityFileTest : public testing::Test {
 protected:
  std::string path() const { return (folder_ / "density.h5").string(); }
  const test::ScratchFolder folder_;
};

TEST_F(DensityFileTest, ADensityIsReadBackWhole) {
  for (const std::size_t conformations : {1u, 3u}) {
    const DensityFile made = full_file(conformations);
    ASSERT_TRUE(write_density(path(), made).ok());
    const auto read = read_density(path(), "density.h5");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_TRUE(verify_density(path()).ok());
    EXPECT_TRUE(*is_density(path(), "density.h5"));
    EXPECT_EQ(read->grid, made.grid);
    EXPECT_EQ(read->qmax, made.qmax);
    EXPECT_EQ(read->voxel(), 4);
    EXPECT_EQ(read->frame, made.frame);
    EXPECT_EQ(read->orientations, made.orientations);
    EXPECT_EQ(read->fluences, made.fluences);
    EXPECT_EQ(read->scores, made.scores);
    EXPECT_EQ(read->gains, made.gains);
    EXPECT_EQ(read->entropy, made.entropy);
    EXPECT_EQ(read->conformation, made.conformation);
    EXPECT_EQ(read->blacklist, made.blacklist);
    EXPECT_EQ(read->half, made.half);
    EXPECT_EQ(read->background, made.background);
    EXPECT_EQ(read->history.part, made.history.part);
    EXPECT_EQ(read->history.stage, made.history.stage);
    EXPECT_EQ(read->history.numbers, made.history.numbers);
    EXPECT_EQ(read->verdict, made.verdict);
    EXPECT_EQ(read->reasons, made.reasons);
    EXPECT_EQ(read->attributes, made.attributes);
    ASSERT_EQ(read->maps.size(), conformations);
    for (std::size_t c = 0; c < conformations; ++c) {
      const DensityMap& a = read->maps[c];
      const DensityMap& b = made.maps[c];
      EXPECT_EQ(a.density, b.density);
      EXPECT_EQ(a.autocorrelation, b.autocorrelation);
      EXPECT_EQ(a.intensity, b.intensity);
      EXPECT_EQ(a.intensity_weight, b.intensity_weight);
      EXPECT_EQ(a.support, b.support);
      EXPECT_EQ(a.half_density, b.half_density);
      EXPECT_EQ(a.fsc, b.fsc);
      EXPECT_EQ(a.fsc_corrected, b.fsc_corrected);
      EXPECT_EQ(a.intensity_fsc, b.intensity_fsc);
      EXPECT_EQ(a.prtf, b.prtf);
      EXPECT_EQ(a.resolution, b.resolution);
      EXPECT_TRUE(std::isinf(a.intensity_resolution));
      EXPECT_EQ(a.phasing_agreement, b.phasing_agreement);
      EXPECT_EQ(a.reference_density, b.reference_density);
      EXPECT_EQ(a.reference_fsc, b.reference_fsc);
      EXPECT_EQ(a.reference_numbers, b.reference_numbers);
    }
  }
}

TEST_F(DensityFileTest, OnlyADensityIsNeeded) {
  DensityFile made;
  made.grid = kGrid;
  made.qmax = 0.1;
  made.maps.resize(1);
  made.maps[0].density = volume(0);
  ASSERT_TRUE(write_density(path(), made).ok());
  const auto read = read_density(path(), "density.h5");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->orientations.empty() && read->maps[0].support.empty());
}

TEST_F(DensityFileTest, TheSameProductIsTheSameBytes) {
  ASSERT_TRUE(write_density(path(), full_file(2)).ok());
  const std::string first = test::read_text(path());
  ASSERT_TRUE(write_density(path(), full_file(2)).ok());
  EXPECT_EQ(first, test::read_text(path()));
}

TEST_F(DensityFileTest, VectorsThatContradictAreNotWritten) {
  DensityFile made = full_file(1);
  made.scores.pop_back();
  const absl::Status status = write_density(path(), made);
  EXPECT_EQ(reason_of(status), "WRONG_SHAPE");
  EXPECT_THAT(status.message(), HasSubstr("scores has 3 elements, not 4"));
  made = full_file(1);
  made.maps[0].half_density[1].pop_back();
  EXPECT_THAT(write_density(path(), made).message(), HasSubstr("half_density_2"));
}

TEST_F(DensityFileTest, AnotherHdf5FileIsNoDensity) {
  ASSERT_TRUE(write_cspi(path(), test::small_patterns(2)).ok());
  EXPECT_FALSE(*is_density(path(), "a.h5"));
  EXPECT_EQ(reason_of(read_density(path(), "a.h5").status()), "WRONG_FORMAT");
}

TEST_F(DensityFileTest, AVoxelThatIsNoNumberFailsVerification) {
  DensityFile made = full_file(2);
  made.maps[1].density[3] = std::nan("");
  ASSERT_TRUE(write_density(path(), made).ok());
  EXPECT_EQ(reason_of(verify_density(path())), "BAD_VALUE");
}

TEST_F(DensityFileTest, H5pyReadsEveryDataset) {
  if (test::run_peer("formats/spi/spi_peer.py", "probe") == test::kPeerAbsent) GTEST_SKIP();
  ASSERT_TRUE(write_density(path(), full_file(2)).ok());
  EXPECT_EQ(test::run_peer("formats/spi/spi_peer.py", "density " + path()), 0);
}

}  // namespace
}  // namespace unfold::spi_data
