#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "common/base/error.h"
#include "common/formats/spi/source.h"
#include "tests/common/formats/peer.h"
#include "tests/common/formats/spi/patterns.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::spi_data {
namespace {

using test::LooseFile;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class CspiTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  static absl::StatusOr<std::unique_ptr<PatternSource>> open(const std::string& path) {
    return open_patterns({.data = {{path, path.substr(path.rfind('/') + 1)}}});
  }
  // Two photons in pixel 3 of both frames of 2 x 3 pixels; q is spoilt as a test likes.
  LooseFile loose(const std::string& name) const {
    LooseFile out(file(name));
    std::vector<std::uint16_t> photons(12);
    photons[3] = photons[9] = 2;
    out.add("photons", {2, 1, 2, 3}, photons);
    return out;
  }
  static std::vector<double> q_planes(double scale) {
    std::vector<double> out(18);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = scale * (static_cast<double>(i) - 8);
    return out;
  }
  const test::ScratchFolder folder_;
};

TEST_F(CspiTest, WhatIsWrittenIsReadBack) {
  PatternParts parts = test::small_patterns(7);
  parts.detector.mask[5] = kBad;
  parts.detector.mask[6] = kMergeOnly;
  for (std::size_t i = 5; i < parts.counts.size(); i += 24) parts.counts[i] = 0;
  ASSERT_TRUE(write_cspi(file("a.h5"), parts).ok());
  const auto source = open(file("a.h5"));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().frames, 7);
  EXPECT_TRUE((*source)->header().photons && (*source)->header().has_truth);
  EXPECT_THAT((*source)->header().warnings, testing::IsEmpty());
  const auto read = load(**source, {});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->counts, parts.counts);
  EXPECT_EQ(read->detector.mask, parts.detector.mask);
  EXPECT_EQ(read->detector.correction, parts.detector.correction);
  EXPECT_EQ(read->detector.picture, parts.detector.picture);
  EXPECT_NEAR(read->detector.wavelength, 2, 1e-6);
  for (std::size_t i = 0; i < parts.detector.q.size(); ++i) {
    EXPECT_NEAR(read->detector.q[i], parts.detector.q[i], 1e-12);
  }
  EXPECT_EQ(read->truth.orientations, parts.truth.orientations);
  EXPECT_EQ(read->truth.fluences, parts.truth.fluences);
  EXPECT_EQ(read->truth.conformations, parts.truth.conformations);
  EXPECT_EQ(read->truth.non_hits, parts.truth.non_hits);
}

TEST_F(CspiTest, BothAxisOrdersOfQAreTheSameDetector) {
  ASSERT_TRUE(loose("first.h5")
                  .add("pixel_position_reciprocal", {3, 1, 2, 3}, q_planes(1e8))
                  .finish()
                  .ok());
  std::vector<double> last(18);
  for (std::size_t p = 0; p < 6; ++p) {
    for (std::size_t k = 0; k < 3; ++k) last[3 * p + k] = q_planes(1e8)[6 * k + p];
  }
  ASSERT_TRUE(loose("last.h5").add("pixel_position_reciprocal", {1, 2, 3, 3}, last).finish().ok());
  const auto first = open(file("first.h5"));
  const auto second = open(file("last.h5"));
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_EQ((*first)->detector()->q, (*second)->detector()->q);
  EXPECT_DOUBLE_EQ((*first)->detector()->q[0], -8e8 * 1e-10);
}

TEST_F(CspiTest, AnAxisOrderThatCannotBeToldIsRefused) {
  const std::vector<float> frames(27, 1.0F);
  std::vector<double> q(81, 1e8);
  ASSERT_TRUE(LooseFile(file("cube.h5"))
                  .add("intensities", {1, 3, 3, 3}, frames)
                  .add("pixel_position_reciprocal", {3, 3, 3, 3}, q)
                  .finish()
                  .ok());
  const auto source = open(file("cube.h5"));
  EXPECT_EQ(reason_of(source.status()), "AMBIGUOUS_AXES");
  EXPECT_THAT(source.status().message(), HasSubstr("does not tell which axis is x, y, z"));
}

TEST_F(CspiTest, QInAnotherUnitIsRefusedUnlessItSaysSo) {
  ASSERT_TRUE(
      loose("a.h5").add("pixel_position_reciprocal", {3, 1, 2, 3}, q_planes(0.01)).finish().ok());
  EXPECT_EQ(reason_of(open(file("a.h5")).status()), "WRONG_UNIT");
  ASSERT_TRUE(loose("b.h5")
                  .add("pixel_position_reciprocal", {3, 1, 2, 3}, q_planes(0.01))
                  .mark("pixel_position_reciprocal", "unit", std::string("1/Angstrom"))
                  .finish()
                  .ok());
  const auto source = open(file("b.h5"));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_DOUBLE_EQ((*source)->detector()->q[0], -0.08);
}

TEST_F(CspiTest, MissingOrMisshapenQIsNamed) {
  ASSERT_TRUE(loose("none.h5").finish().ok());
  EXPECT_EQ(reason_of(open(file("none.h5")).status()), "MISSING_OBJECT");
  ASSERT_TRUE(loose("odd.h5")
                  .add("pixel_position_reciprocal", {3, 2, 2}, std::vector<double>(12))
                  .finish()
                  .ok());
  const absl::Status odd = open(file("odd.h5")).status();
  EXPECT_EQ(reason_of(odd), "WRONG_SHAPE");
  EXPECT_THAT(odd.message(), HasSubstr("[3, 2, 2], neither [3, ...] nor [..., 3]"));
}

TEST_F(CspiTest, AMaskOfAllPixelsIsRefused) {
  PatternParts parts = test::small_patterns(2);
  parts.detector.mask.assign(24, kBad);
  ASSERT_TRUE(write_cspi(file("a.h5"), parts).ok());
  const auto source = open(file("a.h5"));
  EXPECT_EQ(reason_of(source.status()), "NO_GOOD_PIXEL");
  EXPECT_THAT(source.status().message(), HasSubstr("calls every pixel bad"));
}

TEST_F(CspiTest, ZerosAndOnesInAMaskAreAskedAbout) {
  ASSERT_TRUE(loose("a.h5")
                  .add("pixel_position_reciprocal", {3, 1, 2, 3}, q_planes(1e8))
                  .add("mask", {1, 2, 3}, std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0})
                  .finish()
                  .ok());
  const auto source = open(file("a.h5"));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT((*source)->header().warnings, Contains(HasSubstr("1 as merged only")));
}

TEST_F(CspiTest, ABadNumberIsNamedByFrameAndPixelUnlessMasked) {
  PatternParts parts = test::small_patterns(5);
  parts.intensities.assign(parts.counts.begin(), parts.counts.end());
  parts.counts.clear();
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -1.0F, std::numeric_limits<float>::infinity()}) {
    parts.intensities[3 * 24 + 13] = bad;
    parts.detector.mask[13] = kGood;
    ASSERT_TRUE(write_cspi(file("a.h5"), parts).ok());
    const auto read = load(**open(file("a.h5")), {});
    EXPECT_EQ(reason_of(read.status()), "BAD_PIXEL");
    EXPECT_THAT(read.status().message(), HasSubstr("frame 3"));
    EXPECT_THAT(read.status().message(), HasSubstr("panel 0, row 2, column 1"));
    EXPECT_EQ(reason_of(summarise(**open(file("a.h5")), {}).status()), "BAD_PIXEL");
    parts.detector.mask[13] = kBad;
    ASSERT_TRUE(write_cspi(file("a.h5"), parts).ok());
    const auto masked = load(**open(file("a.h5")), {});
    ASSERT_TRUE(masked.ok()) << masked.status();
    EXPECT_TRUE(masked->photons);
  }
}

TEST_F(CspiTest, FramesWithoutPhotonsAreRefused) {
  PatternParts parts = test::small_patterns(3);
  std::fill(parts.counts.begin(), parts.counts.end(), std::uint16_t{0});
  ASSERT_TRUE(write_cspi(file("a.h5"), parts).ok());
  EXPECT_EQ(reason_of(load(**open(file("a.h5")), {}).status()), "NO_PHOTONS");
  EXPECT_EQ(reason_of(summarise(**open(file("a.h5")), {}).status()), "NO_PHOTONS");
}

TEST_F(CspiTest, FewPhotonsAreKeptAsListsAndBrightOnesAsNumbers) {
  PatternParts parts = test::small_patterns(9, 8, 8);
  std::fill(parts.counts.begin(), parts.counts.end(), std::uint16_t{0});
  for (std::size_t f = 0; f < 9; ++f)
    parts.counts[64 * f + 7 * f % 64] = static_cast<std::uint16_t>(f);
  ASSERT_TRUE(write_cspi(file("dark.h5"), parts).ok());
  const auto dark = load(**open(file("dark.h5")), {});
  ASSERT_TRUE(dark.ok()) << dark.status();
  ASSERT_EQ(dark->first.size(), 10u);
  EXPECT_EQ(dark->first[9], 8);  // frame 0 is empty
  EXPECT_EQ(dark->pixel[7], 56u);
  EXPECT_EQ(dark->count[7], 8.0F);
  EXPECT_EQ(dark->bytes(), summarise(**open(file("dark.h5")), {})->bytes);

  parts.intensities.assign(9 * 64, 70000.0F);
  parts.counts.clear();
  ASSERT_TRUE(write_cspi(file("bright.h5"), parts).ok());
  const auto bright = load(**open(file("bright.h5")), {});
  ASSERT_TRUE(bright.ok()) << bright.status();
  EXPECT_EQ(bright->values, parts.intensities);
  EXPECT_TRUE(bright->photons && bright->counts.empty());
}

TEST_F(CspiTest, AChoiceOfFramesKeepsTheirNumbersAndTruth) {
  ASSERT_TRUE(write_cspi(file("a.h5"), test::small_patterns(8)).ok());
  const auto source = open(file("a.h5"));
  const auto read = load(**source, {.selection = {6, 1, 3}, .blacklist = {3, 0}});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->frame, ElementsAre(1, 6));
  EXPECT_DOUBLE_EQ(read->truth.fluences[1], 1.6);
  EXPECT_EQ(read->counts[24 + 3], 4);  // (6 + 3) % 5
  for (const Choice& wrong :
       {Choice{.selection = {8}}, Choice{.selection = {1, 1}}, Choice{.blacklist = {-1}},
        Choice{.selection = {1}, .blacklist = {1}}}) {
    EXPECT_EQ(reason_of(load(**source, wrong).status()), "BAD_SELECTION");
  }
}

TEST_F(CspiTest, SeveralFilesOfOneDetectorAreOne) {
  ASSERT_TRUE(write_cspi(file("a.h5"), test::small_patterns(3)).ok());
  ASSERT_TRUE(write_cspi(file("b.h5"), test::small_patterns(4)).ok());
  const auto source = open_patterns({.data = {{file("a.h5"), "a.h5"}, {file("b.h5"), "b.h5"}}});
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().frames, 7);
  EXPECT_THAT((*source)->place_of(4), HasSubstr("\"b.h5\" (photons, frame 1)"));
  const auto read = load(**source, {.selection = {2, 3, 4}});
  ASSERT_TRUE(read.ok()) << read.status();
  const auto all = test::small_patterns(4);
  const std::vector<std::uint16_t> third(all.counts.begin() + 48, all.counts.begin() + 72);
  EXPECT_TRUE(std::equal(third.begin(), third.end(), read->counts.begin()));
  EXPECT_TRUE(std::equal(all.counts.begin(), all.counts.begin() + 48, read->counts.begin() + 24));
  EXPECT_THAT(read->truth.conformations, ElementsAre(0, 0, 1));
}

TEST_F(CspiTest, AFileOfAnotherDetectorIsNamed) {
  ASSERT_TRUE(write_cspi(file("a.h5"), test::small_patterns(3)).ok());
  PatternParts moved = test::small_patterns(3);
  for (double& value : moved.detector.q) value *= 1.01;
  ASSERT_TRUE(write_cspi(file("moved.h5"), moved).ok());
  ASSERT_TRUE(write_cspi(file("wide.h5"), test::small_patterns(3, 4, 8)).ok());
  for (const char* odd : {"moved.h5", "wide.h5"}) {
    const absl::Status status =
        open_patterns({.data = {{file("a.h5"), "a.h5"}, {file(odd), odd}}}).status();
    EXPECT_EQ(reason_of(status), "OTHER_DETECTOR");
    EXPECT_THAT(status.message(), HasSubstr(odd));
  }
}

TEST_F(CspiTest, TheSharedCasesAreRead) {
  const auto clean = test::shared_file("data/spi/c4_full_clean.h5");
  const auto noisy = test::shared_file("data/spi/c5_full_noisy.h5");
  if (clean.empty() || noisy.empty()) GTEST_SKIP() << "no shared data";
  const auto first = open(clean.string());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto summary = summarise(**first, {});
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->frames, 2000);
  EXPECT_FALSE(summary->photons);
  EXPECT_NEAR(summary->detector.qmax(), 1.0 / 9, 1e-6);
  EXPECT_NEAR(summary->detector.wavelength, 2, 1e-4);

  const auto second = open(noisy.string());
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE((*second)->header().has_mask && (*second)->header().has_fluences);
  const auto read = load(**second, {});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(std::count(read->detector.mask.begin(), read->detector.mask.end(), kBad), 16);
  const double photons = std::accumulate(read->count.begin(), read->count.end(), 0.0);
  EXPECT_NEAR(photons / 2000, 1000, 50);
  EXPECT_EQ(read->truth.fluences.size(), 2000u);
  EXPECT_EQ(read->truth.orientations.size(), 2000u);
}

TEST_F(CspiTest, H5pyReadsWhatIsWritten) {
  if (test::run_peer("formats/spi/spi_peer.py", "probe") == test::kPeerAbsent) GTEST_SKIP();
  ASSERT_TRUE(write_cspi(file("a.h5"), test::small_patterns(5)).ok());
  EXPECT_EQ(test::run_peer("formats/spi/spi_peer.py", "cspi " + file("a.h5")), 0);
}

}  // namespace
}  // namespace unfold::spi_data
