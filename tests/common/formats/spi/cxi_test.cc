#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "common/formats/spi/geometry.h"
#include "common/formats/spi/source.h"
#include "tests/common/formats/spi/patterns.h"
#include "tests/support/scratch_folder.h"

namespace unfold::spi_data {
namespace {

using test::LooseFile;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

// Two panels of 2 x 3 pixels of 0.5 mm, 1 m away, above and below the beam; the second is turned.
constexpr char kGeometry[] = R"(; made by hand
photon_energy = 6199.209921660013
clen = 1.0
res = 2000
adu_per_photon = 10
mask = /entry_1/instrument_1/detector_1/mask
mask_good = 0x0000
mask_bad = 0x0002
wobble = 3
a/min_fs = 0
a/max_fs = 2
a/min_ss = 0
a/max_ss = 1
a/corner_x = -1.5
a/corner_y = 1
a/fs = +1.0x
a/ss = +1.0y
b/min_fs = 0
b/max_fs = 2
b/min_ss = 2
b/max_ss = 3
b/corner_x = 1.5
b/corner_y = -1
b/fs = -x
b/ss = -1.0y + 0.0x
bad_corner/min_x = -2
bad_corner/max_x = -0.5
bad_corner/min_y = 2
bad_corner/max_y = 3
)";

class CxiTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  NamedFile text(const std::string& name, const std::string& content) const {
    test::write_text(folder_ / name, content);
    return {file(name), name};
  }
  // ADU 10 (frame * 12 + pixel), but for what a test spoils.
  static std::vector<float> adu() {
    std::vector<float> out;
    for (int i = 0; i < 24; ++i) out.push_back(10.0F * static_cast<float>(i) + 4);
    return out;
  }
  LooseFile data(const std::vector<float>& values) const {
    LooseFile out(file("a.cxi"));
    out.add("entry_1/data_1/data", {2, 4, 3}, values);
    return out;
  }
  absl::StatusOr<std::unique_ptr<PatternSource>> open(const NamedFile& detector) const {
    return open_patterns({.data = {{file("a.cxi"), "a.cxi"}}, .detector = detector});
  }
  const test::ScratchFolder folder_;
};

TEST_F(CxiTest, PanelsArePlacedAndAduBecomePhotons) {
  std::vector<float> values = adu();
  values[3] = -7;
  const std::vector<std::int32_t> mask = {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2};
  ASSERT_TRUE(data(values).add("entry_1/instrument_1/detector_1/mask", {4, 3}, mask).finish().ok());
  const auto source = open(text("a.geom", kGeometry));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().format, Format::kCxi);
  EXPECT_TRUE((*source)->header().photons);
  EXPECT_THAT((*source)->header().warnings,
              ElementsAre("geometry: wobble has no effect in unfold"));
  const auto read = load(**source, {});
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_NEAR(read->detector.wavelength, 2, 1e-9);
  // Pixel 0 of panel a has its centre at x = -1, y = 1.5 pixels; the bad corner begins at y = 2.
  const double norm = std::sqrt(1 + 1.5 * 1.5 + 2000.0 * 2000.0);
  EXPECT_NEAR(read->detector.q[0], -1 / norm / 2, 1e-12);
  EXPECT_NEAR(read->detector.q[1], 1.5 / norm / 2, 1e-12);
  EXPECT_NEAR(read->detector.q[2], (2000 / norm - 1) / 2, 1e-12);
  // Pixel 6, the first of panel b: x = 1, y = -1.5.
  EXPECT_NEAR(read->detector.q[18], 1 / norm / 2, 1e-12);
  EXPECT_NEAR(read->detector.q[19], -1.5 / norm / 2, 1e-12);
  EXPECT_THAT(read->detector.mask, ElementsAre(0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2));
  EXPECT_THAT(
      std::vector<std::int32_t>(read->detector.picture.begin(), read->detector.picture.begin() + 4),
      ElementsAre(4, 0, 4, 1));
  EXPECT_THAT(read->counts, ElementsAre(0, 1, 2, 0, 4, 5, 6, 7, 8, 9, 10, 0,  //
                                        12, 13, 14, 0, 16, 17, 18, 19, 20, 21, 22, 0));
}

TEST_F(CxiTest, EnergyAndDistanceMayStandInTheData) {
  std::string geometry = kGeometry;
  geometry.replace(geometry.find("6199.209921660013"), 17, "/LCLS/energy keV ");
  geometry.replace(geometry.find("clen = 1.0"), 10, "clen = /LCLS/z");
  geometry.erase(geometry.find("mask = "), geometry.find("mask_good") - geometry.find("mask = "));
  ASSERT_TRUE(data(adu())
                  .add("LCLS/energy", {2}, std::vector<double>{6.0, 6.2})
                  .add("LCLS/z", {1}, std::vector<double>{500})
                  .finish()
                  .ok());
  const auto source = open(text("a.geom", geometry));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT((*source)->header().warnings, Contains(HasSubstr("its mean is taken")));
  EXPECT_EQ((*source)->header().facts.at("photon_energy_eV"), "6100");
  EXPECT_EQ((*source)->header().facts.at("distance_m"), "0.5");
}

TEST_F(CxiTest, ADragonflyDetectorPlacesItsPixels) {
  ASSERT_TRUE(data(adu()).finish().ok());
  ASSERT_TRUE(write_dragonfly_detector(file("det.h5"), test::small_detector(4, 3)).ok());
  const auto source = open({file("det.h5"), "det.h5"});
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_THAT((*source)->header().shape, ElementsAre(1, 4, 3));
  const auto read = load(**source, {});
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->counts.size(), 24u);
  EXPECT_EQ(read->counts[1], 14);
}

TEST_F(CxiTest, WhatIsMissingIsSaid) {
  ASSERT_TRUE(data(adu()).finish().ok());
  EXPECT_THAT(open({}).status().message(), HasSubstr("without a detector"));
  std::string geometry = kGeometry;
  geometry.erase(geometry.find("photon_energy"), 36);
  EXPECT_EQ(reason_of(open(text("a.geom", geometry)).status()), "UNKNOWN_WAVELENGTH");
  geometry = kGeometry;
  geometry.replace(geometry.find("b/max_ss = 3"), 12, "b/max_ss = 4");
  EXPECT_THAT(open(text("a.geom", geometry)).status().message(),
              HasSubstr("panel b reaches beyond frames of [1, 4, 3]"));
}

TEST_F(CxiTest, ABrokenGeometryIsNamedByLine) {
  const auto wrong = [&](const std::string& content) {
    const absl::Status status = read_geometry(text("a.geom", content)).status();
    EXPECT_EQ(reason_of(status), "BAD_GEOMETRY") << content;
    return std::string(status.message());
  };
  EXPECT_THAT(wrong("a/fs = 1.0q\n"), HasSubstr("line 1: fs cannot be \"1.0q\""));
  EXPECT_THAT(wrong("res = -3\n"), HasSubstr("res cannot be"));
  EXPECT_THAT(wrong("a/min_fs = 1.5\n"), HasSubstr("min_fs"));
  EXPECT_THAT(wrong("res = 3\n"), HasSubstr("it has no panel"));
  EXPECT_THAT(wrong("res = 3\na/min_fs = 0\n"), HasSubstr("panel a has no sane"));
  EXPECT_THAT(wrong("photon_energy = 1 2 3\n"), HasSubstr("photon_energy"));
  EXPECT_THAT(wrong(std::string(kGeometry) + "bad_x/min_x = 3\n"), HasSubstr("four bounds"));
}

TEST_F(CxiTest, PanelsThatLieInSpaceAreRead) {
  std::string geometry = kGeometry;
  geometry.replace(geometry.find("a/fs = +1.0x"), 12, "a/fs = +0.8x +0.6z");
  const auto read = read_geometry(text("a.geom", geometry));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(read->panels[0].fs_step, ElementsAre(0.8, 0, 0.6));
  EXPECT_THAT(read->panels[1].fs_step, ElementsAre(-1, 0, 0));
}

TEST_F(CxiTest, ABackgroundIsReadAndReduced) {
  const std::vector<double> values = {1, 2, 3, 4, 5, 6, 7, 8};
  ASSERT_TRUE(LooseFile(file("b.h5")).add("background", {8}, values).finish().ok());
  const NamedFile tree{file("b.h5"), "b.h5"};
  const NamedFile raw =
      text("b.bin", {reinterpret_cast<const char*>(values.data()), 8 * sizeof(double)});
  for (const NamedFile& one : {tree, raw}) {
    const auto sums = read_background(one, {1, 2, 4}, {.clip = 0, .bin = 1});
    ASSERT_TRUE(sums.ok()) << sums.status();
    EXPECT_THAT(*sums, ElementsAre(1 + 2 + 5 + 6, 3 + 4 + 7 + 8));
    EXPECT_EQ(reason_of(read_background(one, {1, 2, 3}, {}).status()), "OTHER_DETECTOR");
  }
  ASSERT_TRUE(
      LooseFile(file("b.h5")).add("background", {2}, std::vector<double>{1, -1}).finish().ok());
  EXPECT_THAT(read_background(tree, {1, 1, 2}, {}).status().message(), HasSubstr("column 1 is -1"));
}

}  // namespace
}  // namespace unfold::spi_data
