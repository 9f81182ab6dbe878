#include "common/formats/cosi/orientations.h"

#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::cosi {
namespace {

constexpr char kHead[] = "\nType OrientationsGalactic\n\n";

class OrientationsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Orientations> read(const std::string& text) {
    test::write_text(folder_ / "o.ori", text);
    return read_orientations(folder_ / "o.ori", "data:o.ori");
  }
  std::string refusal(const std::string& rows) {
    const auto got = read(kHead + rows);
    return got.ok() ? "read" : reason_of(got.status());
  }
  test::ScratchFolder folder_;
};

TEST_F(OrientationsTest, ReadsFiveColumnsWithLatitudeFirst) {
  const auto rows = read(std::string(kHead) + "OG 10.5 1 2 3 4\nOG 11 5 6 7 8\nEN\nOG bad\n");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->time, (std::vector<double>{10.5, 11}));
  EXPECT_EQ(rows->x_axis[0], (std::array<double, 2>{2, 1}));
  EXPECT_EQ(rows->z_axis[1], (std::array<double, 2>{8, 7}));
  EXPECT_FALSE(rows->has_earth());
}

TEST_F(OrientationsTest, ReadsCosipysTenColumns) {
  const auto rows =
      read(std::string(kHead) + "OG 10 1 2 3 4 550 5 6 0.75\nOG 11 1 2 3 4 551 7 8 0 \nEN\n");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_TRUE(rows->has_earth());
  EXPECT_EQ(rows->altitude[0], 550);
  EXPECT_EQ(rows->earth_zenith[0], (std::array<double, 2>{6, 5}));
  EXPECT_EQ(rows->live_time[0], 0.75);
}

TEST_F(OrientationsTest, RefusesRowsOutOfOrderAndBrokenOnes) {
  const std::string good = "OG 10 1 2 3 4\n";
  EXPECT_EQ(refusal(good + "OG 10 1 2 3 4\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal(good + "OG 9 1 2 3 4\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal(good + "OG 11 91 2 3 4\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal(good + "OG 11 1 2 3 inf\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal(good + "OG 11 1 2 3\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal(good + "OG 11 1 2 3 4 550 5 6 0.7\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal("OG 10 1 2 3 4 550 5 6 -1\n" + good), "BAD_ORIENTATION");
  EXPECT_EQ(refusal("OG 10 1 2 3 4 550 5 6 2\nOG 11 1 2 3 4 550 5 6 0\n"), "BAD_ORIENTATION");
  EXPECT_EQ(refusal(good), "NOT_ORIENTATIONS");
  const auto local = read("Type OrientationsLocal\n" + good + "OG 11 1 2 3 4\n");
  EXPECT_EQ(reason_of(local.status()), "NOT_ORIENTATIONS");
}

TEST_F(OrientationsTest, TheRefusalNamesTheLine) {
  const auto got = read(std::string(kHead) + "OG 10 1 2 3 4\nOG 10 1 2 3 4\n");
  ASSERT_FALSE(got.ok());
  EXPECT_NE(got.status().message().find("line 5"), absl::string_view::npos) << got.status();
}

TEST(RealOrientations, CoverOneDay) {
  const auto file = test::shared_file("data/imaging/real/OP_160628_FullDay.ori");
  if (file.empty()) GTEST_SKIP() << "shared data absent";
  const auto rows = read_orientations(file, "real");
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->rows(), 5706u);
  EXPECT_NEAR(rows->time.back() - rows->time.front(), 86400, 120);
}

}  // namespace
}  // namespace unfold::cosi
