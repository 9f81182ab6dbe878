#include "common/formats/fits/header.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"

namespace unfold::fits {
namespace {

using ::testing::HasSubstr;

Header header_of(const std::vector<std::string>& cards) {
  Header out;
  for (const std::string& card : cards) out.append_card(card);
  return out;
}

TEST(Header, ReadsEveryKindOfValue) {
  const Header header =
      header_of({"EXPTIME =               1000.0 / [s]", "CAMERA  = 'r0      '           / it''s",
                 "EXPID   =                51060", "EXTEND  =                    T",
                 "GAIN    = 1.5D-3", "OBSERVER= 'O''Neil, A / B'", "FREE    = +.5"});
  EXPECT_EQ(*header.real("EXPTIME"), 1000.0);
  EXPECT_EQ(*header.string("CAMERA"), "r0");
  EXPECT_EQ(*header.integer("EXPID"), 51060);
  EXPECT_TRUE(*header.logical("EXTEND"));
  EXPECT_EQ(*header.real("GAIN"), 1.5e-3);
  EXPECT_EQ(*header.string("OBSERVER"), "O'Neil, A / B");
  EXPECT_EQ(*header.real("FREE"), 0.5);
  EXPECT_EQ(*header.integer("EXPID"), 51060);
}

TEST(Header, NumbersInQuotesAreNumbers) {
  EXPECT_EQ(*header_of({"NIGHT   = '20200219'"}).integer("NIGHT"), 20200219);
}

TEST(Header, RefusesWhatIsNoFiniteNumberAndNamesTheCard) {
  for (const char* value : {"NaN", "nan", "inf", "-Inf", "1e999", "'NaN'", "abc", "", "1.5.2"}) {
    const Header header = header_of({"FIRST   = 1", std::string("MJD-OBS = ") + value});
    const absl::Status status = header.real("MJD-OBS").status();
    EXPECT_EQ(reason_of(status), "BAD_HEADER_VALUE") << value;
    EXPECT_THAT(std::string(status.message()), HasSubstr("MJD-OBS (card 2)")) << value;
  }
  EXPECT_EQ(reason_of(header_of({"N       = 1.5"}).integer("N").status()), "BAD_HEADER_VALUE");
  EXPECT_EQ(reason_of(header_of({"N       = 1"}).logical("N").status()), "BAD_HEADER_VALUE");
  EXPECT_EQ(reason_of(header_of({"N       = 'open"}).string("N").status()), "BAD_HEADER_VALUE");
  EXPECT_EQ(reason_of(header_of({}).real("N").status()), "MISSING_HEADER_VALUE");
}

TEST(Header, CommentaryCardsHaveNoValue) {
  const Header header = header_of({"COMMENT = 5", "HISTORY   WAVEMIN = 7", "WAVEMIN = 8"});
  EXPECT_EQ(*header.integer("WAVEMIN"), 8);
  EXPECT_FALSE(header.has("HISTORY"));
}

TEST(Header, UnderstandsHierarch) {
  const Header header = header_of({"HIERARCH ESO DET GAIN = 2.5 / e/ADU"});
  EXPECT_EQ(*header.real("ESO DET GAIN"), 2.5);
}

TEST(Header, LongStringsGoOnInContinueCards) {
  Header header;
  const std::string path = std::string(60, 'a') + "'" + std::string(90, 'b') + " end";
  header.set("IN_PSF", path, "a comment");
  header.set("AFTER", 1);
  EXPECT_GT(header.cards().size(), 3u);
  EXPECT_EQ(*header.string("IN_PSF"), path);
  header.set("IN_PSF", "short");
  EXPECT_EQ(header.cards().size(), 2u);
  EXPECT_EQ(*header.string("IN_PSF"), "short");
  EXPECT_EQ(*header.integer("AFTER"), 1);
}

TEST(Header, SetReplacesInPlaceAndEraseRemovesAll) {
  Header header = header_of({"A       = 1", "B       = 2", "A       = 3"});
  header.set("A", 7, "new");
  EXPECT_EQ(header.cards()[0].substr(0, 36), "A       =                    7 / new");
  header.erase("A");
  EXPECT_EQ(header.cards().size(), 1u);
  EXPECT_FALSE(header.has("A"));
}

TEST(Header, CardsAreEightyCharactersInFixedFormat) {
  Header header;
  header.set("WAVEMIN", 6860.0, std::string(200, 'c'));
  header.set("SMALL", 1e-300);
  header.set("FLAG", false);
  for (const std::string& card : header.cards()) EXPECT_EQ(card.size(), kCardBytes);
  EXPECT_EQ(header.cards()[0].substr(0, 30), "WAVEMIN =               6860.0");
  EXPECT_EQ(*header.real("SMALL"), 1e-300);
  EXPECT_EQ(header.cards()[2].substr(0, 30), "FLAG    =                    F");
}

TEST(Header, DoublesSurviveExactly) {
  Header header;
  for (const double value : {0.1, 1.0000934, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0}) {
    header.set("V", value);
    EXPECT_EQ(*header.real("V"), value);
  }
}

}  // namespace
}  // namespace unfold::fits
