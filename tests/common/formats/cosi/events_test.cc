#include "common/formats/cosi/events.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <numbers>
#include <vector>

#include "absl/strings/str_replace.h"
#include "common/base/error.h"
#include "tests/common/formats/cosi/gzip_text.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::cosi {
namespace {

constexpr char kEvent[] =
    "SE\nET CO\nID 1\nTI 100.25\nGX 202.8 10.8\nGZ 304.3 46.0\nCC a comment\nSQ 2\n"
    "CE 255.4995 1 255.4995 1\nCD 0 0 0 0 0 0 0 -1 0 0 0 0 0 0 0 0 0 0\nLA 1\n";

class EventsTest : public ::testing::Test {
 protected:
  absl::StatusOr<EventCounts> read(const std::string& text) {
    events_.clear();
    test::write_text(folder_ / "t.tra", text);
    return read_events(folder_ / "t.tra", "data:t.tra",
                       [this](const ComptonEvent& event) { events_.push_back(event); });
  }
  std::string refusal(const std::string& text) {
    const auto got = read(text);
    return got.ok() ? "read" : reason_of(got.status());
  }
  std::string with(const std::string& from, const std::string& to) {
    return absl::StrReplaceAll(kEvent, {{from, to}});
  }
  test::ScratchFolder folder_;
  std::vector<ComptonEvent> events_;
};

TEST_F(EventsTest, ReadsTimeEnergyAspectAndScatterDirection) {
  const auto counts = read(std::string("Type tra\n\n") + kEvent + "EN\nSE\n");
  ASSERT_TRUE(counts.ok()) << counts.status();
  ASSERT_EQ(events_.size(), 1u);
  const ComptonEvent& event = events_[0];
  EXPECT_EQ(event.time, 100.25);
  EXPECT_NEAR(event.energy, 510.999, 1e-9);
  // Half of a photon of the electron's mass: cos phi = 1 - 2 + 1.
  EXPECT_NEAR(event.phi, std::numbers::pi / 2, 1e-6);
  // The second interaction lies at -y, so the photon came from +y as seen from there.
  EXPECT_NEAR(event.polar, std::numbers::pi / 2, 1e-15);
  EXPECT_NEAR(event.azimuth, std::numbers::pi / 2, 1e-15);
  EXPECT_TRUE(event.has_aspect);
  EXPECT_EQ(event.x_axis, (std::array<double, 2>{202.8, 10.8}));
  EXPECT_EQ(event.z_axis, (std::array<double, 2>{304.3, 46.0}));
}

TEST_F(EventsTest, ReadsGzipAndCountsOtherTypes) {
  const auto counts = read(test::gzipped(std::string("SE\nET PH\nPE 511\nSE\nET PH\n") + kEvent +
                                         "SE\nET UN\n" + kEvent));
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->compton, 2);
  EXPECT_EQ(counts->others.at("PH"), 2);
  EXPECT_EQ(counts->others.at("UN"), 1);
}

TEST_F(EventsTest, GivesNoAngleWhereTheEnergiesAllowNone) {
  ASSERT_TRUE(read(with("CE 255.4995 1 255.4995", "CE 100 1 2000")).ok());
  EXPECT_TRUE(std::isnan(events_.at(0).phi));
}

TEST_F(EventsTest, EventsWithoutAspectSaySo) {
  ASSERT_TRUE(read(absl::StrReplaceAll(kEvent, {{"GX 202.8 10.8\nGZ 304.3 46.0\n", ""}})).ok());
  EXPECT_FALSE(events_.at(0).has_aspect);
}

TEST_F(EventsTest, RefusesWhatIsNoEvent) {
  EXPECT_EQ(refusal("hello\n"), "NOT_EVENTS");
  EXPECT_EQ(refusal(""), "NOT_EVENTS");
  EXPECT_EQ(refusal(with("TI 100.25", "TI now")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("TI 100.25\n", "")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("TI 100.25\n", "TI 1\nTI 2\n")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("CE 255.4995 1 255.4995 1\n", "")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("CE 255.4995", "CE -3")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("CE 255.4995", "CE nan")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("0 -1 0", "0 0 0")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("GZ 304.3 46.0", "GZ 304.3 146.0")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("GZ 304.3 46.0\n", "")), "BAD_EVENT");
  EXPECT_EQ(refusal(with("ET CO", "ET CO\nET PH")), "BAD_EVENT");
  EXPECT_EQ(refusal(std::string(kEvent) + "NF next.tra\n"), "EXTERNAL_FILE");
}

TEST_F(EventsTest, TheRefusalNamesFileAndLine) {
  const auto got = read(with("TI 100.25", "TI now"));
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.status().message().find("data:t.tra"), absl::string_view::npos);
  EXPECT_NE(got.status().message().find("line 4"), absl::string_view::npos) << got.status();
}

TEST_F(EventsTest, KnowsAnEventFileByItsBeginning) {
  test::write_text(folder_ / "a", test::gzipped(kEvent));
  test::write_text(folder_ / "b", "Type TRA\nVersion 100\n");
  test::write_text(folder_ / "c", "Type OrientationsGalactic\n");
  EXPECT_TRUE(looks_like_events(folder_ / "a"));
  EXPECT_TRUE(looks_like_events(folder_ / "b"));
  EXPECT_FALSE(looks_like_events(folder_ / "c"));
  EXPECT_FALSE(looks_like_events(folder_ / "none"));
}

TEST(RealEvents, AreThoseTheirReadmeTellsOf) {
  const auto file = test::shared_file(
      "data/imaging/real/"
      "SRC9det_PS511keV_l-010_b-010_simOP_160628_FullDay_CE0000-1000keV_EHCstandard.tra.gz");
  if (file.empty()) GTEST_SKIP() << "shared data absent";
  int in_line = 0;
  const auto counts = read_events(file, "real", [&](const ComptonEvent& event) {
    in_line += event.energy >= 501 && event.energy <= 521;
  });
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->compton, 340);
  EXPECT_EQ(in_line, 192);
}

}  // namespace
}  // namespace unfold::cosi
