#include "common/compare/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "tests/common/compare/frames.h"
#include "tests/support/scratch_folder.h"

namespace unfold::compare {
namespace {

using testing::HasSubstr;

const Difference& of(const FrameDifference& difference, const std::string& name) {
  for (const Difference& d : difference.quantities) {
    if (d.name == name) return d;
  }
  throw std::runtime_error("no quantity " + name);
}

TEST(DiffFramesTest, AFrameIsTheSameAsItself) {
  const fits::Frame frame = plain_frame(3, 20);
  const FrameDifference difference = diff_frames(frame, frame, {});
  EXPECT_TRUE(difference.same);
  for (const Difference& d : difference.quantities) EXPECT_EQ(d.largest, 0) << d.name;
  EXPECT_EQ(of(difference, "FLUX").compared, 60);
}

/// What to change, which quantity shows it, and how large it is.
struct Change {
  const char* quantity;
  std::function<void(fits::Frame&)> make;
  double largest;
};

class DiffQuantityTest : public testing::TestWithParam<Change> {};

TEST_P(DiffQuantityTest, AChangeIsFoundWhereItIsAndInNothingElse) {
  const fits::Frame a = plain_frame(3, 20);
  fits::Frame b = a;
  GetParam().make(b);
  const FrameDifference difference = diff_frames(a, b, {});
  EXPECT_FALSE(difference.same);
  for (const Difference& d : difference.quantities) {
    if (d.name != GetParam().quantity) {
      EXPECT_TRUE(d.within) << d.name;
      continue;
    }
    EXPECT_FALSE(d.within);
    if (std::isinf(GetParam().largest)) {
      EXPECT_TRUE(std::isinf(d.largest));
    } else {
      EXPECT_NEAR(d.largest, GetParam().largest, 1e-5 * GetParam().largest);
    }
    EXPECT_EQ(d.bin, 7);
    if (d.name != "WAVELENGTH") {
      EXPECT_EQ(d.fibre, 1);
    }
  }
}

constexpr std::size_t kBin = 1 * 20 + 7;
INSTANTIATE_TEST_SUITE_P(
    Quantities, DiffQuantityTest,
    testing::Values(Change{"FLUX", [](auto& f) { f.flux[kBin] += 1.0F; }, 0.5},
                    Change{"IVAR", [](auto& f) { f.ivar[kBin] *= 1.25F; }, 0.2},
                    Change{"RESOLUTION",
                           [](auto& f) { f.resolution[(1 * 5 + 3) * 20 + 7] = 0.25F; }, 0.25},
                    Change{"CHI2PIX", [](auto& f) { f.chi2pix[kBin] = 2.0F; }, 0.5},
                    Change{"MASK", [](auto& f) { f.mask[kBin] = 128; }, 1},
                    Change{"WAVELENGTH", [](auto& f) { f.wavelength[7] += 0.001; }, 0.001},
                    Change{"FLUX", [](auto& f) { f.flux[kBin] = std::nanf(""); },
                           std::numeric_limits<double>::infinity()}),
    [](const auto& change) {
      return std::string(change.param.quantity) + (std::isinf(change.param.largest) ? "NaN" : "");
    });

TEST(DiffFramesTest, BinsThatKnowNothingInEitherFrameAreLeftOut) {
  fits::Frame a = plain_frame(3, 20);
  fits::Frame b = a;
  a.ivar[kBin] = 1e-12F;
  b.ivar[kBin] = 0;
  b.flux[kBin] = 1e6F;
  b.resolution[(1 * 5 + 2) * 20 + 7] = 0;
  EXPECT_TRUE(diff_frames(a, b, {}).same);
  // A bin that only one of them knows is a difference.
  a.ivar[kBin] = 0.25F;
  EXPECT_FALSE(of(diff_frames(a, b, {}), "IVAR").within);
}

TEST(DiffFramesTest, TolerancesDecide) {
  const fits::Frame a = plain_frame(3, 20);
  fits::Frame b = a;
  b.flux[kBin] += 1.0F;
  EXPECT_TRUE(diff_frames(a, b, {.flux_sigma = 0.51}).same);
  EXPECT_FALSE(diff_frames(a, b, {.flux_sigma = 0.49}).same);
}

TEST(DiffFramesTest, AnotherShapeIsDifferentWithoutNumbers) {
  const FrameDifference difference = diff_frames(plain_frame(3, 20), plain_frame(3, 21), {});
  EXPECT_FALSE(difference.same);
  EXPECT_TRUE(difference.quantities.empty());
  EXPECT_EQ(difference.layout.size(), 1U);
}

class DiffFilesTest : public testing::Test {
 protected:
  std::string write(const std::string& name, const fits::Frame& frame) {
    const std::string path = (folder_ / name).string();
    const absl::Status status = fits::write_frame(path, frame, false);
    EXPECT_TRUE(status.ok()) << status;
    return path;
  }
  const test::ScratchFolder folder_;
};

TEST_F(DiffFilesTest, ProvenanceMayDiffer) {
  fits::Frame frame = plain_frame(3, 20);
  frame.header.set("IN_PSF", "main:a.fits");
  frame.header.set("DEPVER00", "1");
  const std::string a = write("a.fits", frame);
  frame.header.set("IN_PSF", "main:b.fits");
  frame.header.set("DEPVER00", "2");
  const absl::StatusOr<FrameDifference> difference = diff_frames(a, write("b.fits", frame), {});
  ASSERT_TRUE(difference.ok()) << difference.status();
  EXPECT_TRUE(difference->same) << to_text(*difference);
}

TEST_F(DiffFilesTest, OtherCardsAndHdusMayNot) {
  fits::Frame frame = plain_frame(3, 20);
  const std::string a = write("a.fits", frame);
  frame.header.set("EXPTIME", 900.0);
  frame.header.set("HELIOCOR", 1.00001);
  frame.scores = fits::TableBuilder("SCORES").add("S", std::vector<double>{1, 2, 3}).build();
  const FrameDifference difference = *diff_frames(a, write("b.fits", frame), {});
  EXPECT_FALSE(difference.same);
  EXPECT_THAT(difference.cards, testing::UnorderedElementsAre("FLUX EXPTIME: 1000 / 900",
                                                              "FLUX HELIOCOR: absent / 1.00001"));
  EXPECT_THAT(difference.layout, testing::ElementsAre("SCORES: absent / present"));
}

TEST_F(DiffFilesTest, AMissingFileIsNamed) {
  const std::string a = write("a.fits", plain_frame(3, 20));
  const absl::Status status = diff_frames(a, (folder_ / "none.fits").string(), {}).status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("none.fits"));
}

TEST(DiffReportTest, TextNamesThePlaceAndJsonHoldsTheNumbers) {
  const fits::Frame a = plain_frame(3, 20);
  fits::Frame b = a;
  b.flux[kBin] += 1.0F;
  const FrameDifference difference = diff_frames(a, b, {});
  EXPECT_THAT(to_text(difference), HasSubstr("1, 7"));
  EXPECT_THAT(to_text(difference), HasSubstr("DIFFERS"));
  const nlohmann::json json = nlohmann::json::parse(to_json(difference));
  EXPECT_EQ(json["same"], false);
  EXPECT_EQ(json["quantities"][1]["name"], "FLUX");
  EXPECT_NEAR(json["quantities"][1]["largest"].get<double>(), 0.5, 1e-6);
}

}  // namespace
}  // namespace unfold::compare
