#include "common/formats/cosi/text_lines.h"

#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/common/formats/cosi/gzip_text.h"
#include "tests/support/scratch_folder.h"

namespace unfold::cosi {
namespace {

class TextLinesTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_of(const std::string& bytes, absl::Status* problem = nullptr) {
    test::write_text(folder_ / "t", bytes);
    auto lines = TextLines::open(folder_ / "t", "data:t");
    if (!lines.ok()) {
      if (problem != nullptr) *problem = lines.status();
      return {};
    }
    std::vector<std::string> out;
    std::string_view line;
    while (true) {
      const auto more = lines->next(line);
      if (!more.ok()) {
        if (problem != nullptr) *problem = more.status();
        return out;
      }
      if (!*more) return out;
      out.emplace_back(line);
    }
  }
  test::ScratchFolder folder_;
};

TEST_F(TextLinesTest, GivesPlainLinesWithoutTheirEnds) {
  EXPECT_EQ(lines_of("a\r\nb\n\nc"), (std::vector<std::string>{"a", "b", "", "c"}));
  EXPECT_TRUE(lines_of("").empty());
}

TEST_F(TextLinesTest, ReadsSeveralGzipMembersAsOneText) {
  EXPECT_EQ(lines_of(test::gzipped("one\ntw") + test::gzipped("o\nthree\n")),
            (std::vector<std::string>{"one", "two", "three"}));
}

TEST_F(TextLinesTest, ReadsMoreThanItsBufferHolds) {
  std::string text;
  for (int i = 0; i < 300000; ++i) text += "line " + std::to_string(i) + "\n";
  for (const std::string& stored : {text, test::gzipped(text)}) {
    const auto lines = lines_of(stored);
    ASSERT_EQ(lines.size(), 300000u);
    EXPECT_EQ(lines.back(), "line 299999");
    EXPECT_EQ(lines[123456], "line 123456");
  }
}

TEST_F(TextLinesTest, RefusesGzipThatEndsEarlyAndLinesWithoutEnd) {
  absl::Status problem;
  const std::string whole = test::gzipped(std::string(1000, 'x') + "\n");
  lines_of(whole.substr(0, whole.size() - 9), &problem);
  EXPECT_EQ(reason_of(problem), "TRUNCATED");
  lines_of("short\n" + std::string(kMaxLineBytes + 1, 'x') + "\n", &problem);
  EXPECT_EQ(reason_of(problem), "TOO_LARGE");
  EXPECT_NE(problem.message().find("line 2"), absl::string_view::npos) << problem;
}

TEST(Words, AreCutAtBlanksAndTabs) {
  EXPECT_EQ(words_of(" a\tbc  d "), (std::vector<std::string_view>{"a", "bc", "d"}));
  EXPECT_EQ(words_of("a b c", 2).size(), 2u);
  EXPECT_TRUE(words_of(" \t").empty());
}

TEST(Numbers, AreWholeWordsAndFinite) {
  double value = 0;
  EXPECT_TRUE(parse_number("-1.5e3", value));
  EXPECT_EQ(value, -1500);
  for (const char* word : {"", "1x", "nan", "inf", "1e999", "0x10", "--1"}) {
    EXPECT_FALSE(parse_number(word, value)) << word;
  }
}

}  // namespace
}  // namespace unfold::cosi
