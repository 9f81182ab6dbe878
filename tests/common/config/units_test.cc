#include "common/config/units.h"

#include <gtest/gtest.h>

#include "common/base/error.h"

namespace unfold::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ParseDuration, ReadsWhatPeopleWrite) {
  EXPECT_EQ(*parse_duration("15s"), seconds(15));
  EXPECT_EQ(*parse_duration("0.2s"), milliseconds(200));
  EXPECT_EQ(*parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(*parse_duration("1h30m"), minutes(90));
  EXPECT_EQ(*parse_duration("0"), seconds(0));
}

TEST(ParseDuration, RefusesWhatIsNotADurationAndNamesTheField) {
  for (const char* text : {"", "15", "fast", "-1s", "inf", "1 s", "1e99h"}) {
    const auto parsed = parse_duration(text, "lease");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(field_of(parsed.status()), "lease");
  }
}

TEST(FormatDuration, IsReadBackUnchanged) {
  for (const Duration value : {Duration(milliseconds(200)), Duration(seconds(90))}) {
    EXPECT_EQ(*parse_duration(format_duration(value)), value);
  }
}

TEST(ParseSize, TellsPowersOf1000From1024) {
  EXPECT_EQ(*parse_size("1048576"), 1048576);
  EXPECT_EQ(*parse_size("4GiB"), 4LL << 30);
  EXPECT_EQ(*parse_size("4GB"), 4'000'000'000);
  EXPECT_EQ(*parse_size("1.5KiB"), 1536);
}

TEST(ParseSize, RefusesAmbiguousAndImpossibleSizes) {
  for (const char* text : {"", "4G", "GiB", "-1", "4 GiB", "99999999TiB", "1.2.3MB"}) {
    const auto parsed = parse_size(text, "memory");
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(field_of(parsed.status()), "memory");
  }
}

}  // namespace
}  // namespace unfold::config
