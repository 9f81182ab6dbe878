#include "common/log/logger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace unfold::log {
namespace {

using testing::EndsWith;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

constexpr std::int64_t kNoon = 1'795'176'000'123'456'789;  // 2026-11-20T12:00:00.123456789Z

TEST(JsonLine, IsOneObjectWithTheFieldsThatAreNotEmpty) {
  const std::string line =
      json_line(kNoon, Level::kInfo, "attempt ended",
                {{"job", "j1"}, {"attempt", 2}, {"worker", ""}, {"seconds", 1.5}, {"hit", true}});
  EXPECT_EQ(line, R"({"ts":"2026-11-20T12:00:00.123456789Z","level":"info","msg":"attempt ended",)"
                  R"("job":"j1","attempt":2,"seconds":1.5,"hit":true})");
}

TEST(JsonLine, AlwaysParsesWhateverTheTextHolds) {
  const std::string awkward = "say \"hi\"\n\t\x01 \xff\xc3 caf\xc3\xa9 \\";
  const auto parsed = nlohmann::json::parse(
      json_line(0, Level::kError, awkward, {{awkward, awkward}, {"nan", std::nan("")}}));
  EXPECT_THAT(parsed["msg"].get<std::string>(), EndsWith("caf\xc3\xa9 \\"));
  EXPECT_TRUE(parsed["nan"].is_null());
}

TEST(TextLine, ShowsLevelMessageAndFieldsOnOneLine) {
  EXPECT_THAT(text_line(kNoon, Level::kWarning, "worker lost", {{"worker", "gpu 0\n"}}),
              EndsWith(R"( warning worker lost worker="gpu 0\n")"));
}

TEST(Logger, WritesOneLinePerEventAtItsLevelAndAbove) {
  const SystemClock clock;
  const Logger logger(Level::kInfo, Format::kJson, clock);
  CaptureStderr();
  logger.debug("hidden");
  logger.info("seen", {{"job", "{}%v"}});
  logger.error("also seen");
  const std::string out = GetCapturedStderr();
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 2);
  EXPECT_EQ(nlohmann::json::parse(out.substr(0, out.find('\n')))["job"], "{}%v");
}

TEST(ParseLevel, KnowsItsOwnNamesOnly) {
  EXPECT_EQ(*parse_level("warning"), Level::kWarning);
  EXPECT_FALSE(parse_level("loud").ok());
}

}  // namespace
}  // namespace unfold::log
