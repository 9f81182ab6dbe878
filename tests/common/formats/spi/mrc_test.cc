#include "common/formats/spi/mrc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "common/base/error.h"
#include "tests/support/scratch_folder.h"

namespace unfold::spi_data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Volume small_volume() {
  Volume out{.shape = {2, 3, 4},
             .voxel = {4.5, 4.5, 3},
             .origin = {-9, 1.5, 0},
             .labels = {"made by hand", kHandUndetermined}};
  for (int i = 0; i < 24; ++i) out.values.push_back(static_cast<float>(i) - 3.5F);
  return out;
}

class MrcTest : public testing::Test {
 protected:
  std::string path() const { return (folder_ / "a.mrc").string(); }
  NamedFile file() const { return {path(), "a.mrc"}; }
  std::string written(const Volume& volume) const {
    const absl::Status status = write_mrc(path(), volume);
    EXPECT_TRUE(status.ok()) << status;
    return test::read_text(path());
  }
  absl::StatusOr<Volume> read(const std::string& bytes) const {
    test::write_text(path(), bytes);
    return read_mrc(file());
  }
  const test::ScratchFolder folder_;
};

template <class T>
T word(const std::string& bytes, std::size_t number) {
  T out;
  std::memcpy(&out, bytes.data() + 4 * (number - 1), 4);
  return out;
}
void set_word(std::string& bytes, std::size_t number, std::int32_t value) {
  std::memcpy(bytes.data() + 4 * (number - 1), &value, 4);
}
void swap_words(std::string& bytes, std::size_t begin, std::size_t end, std::size_t width) {
  for (std::size_t i = begin; i < end; i += width) {
    std::reverse(bytes.begin() + static_cast<std::ptrdiff_t>(i),
                 bytes.begin() + static_cast<std::ptrdiff_t>(i + width));
  }
}

// Word by word from the MRC2014 table.
TEST_F(MrcTest, TheHeaderIsWhatMrc2014Says) {
  const std::string bytes = written(small_volume());
  ASSERT_EQ(bytes.size(), 1024u + 4 * 24);
  EXPECT_EQ(word<std::int32_t>(bytes, 1), 2);   // NX
  EXPECT_EQ(word<std::int32_t>(bytes, 2), 3);   // NY
  EXPECT_EQ(word<std::int32_t>(bytes, 3), 4);   // NZ
  EXPECT_EQ(word<std::int32_t>(bytes, 4), 2);   // MODE
  EXPECT_EQ(word<std::int32_t>(bytes, 5), 0);   // NXSTART
  EXPECT_EQ(word<std::int32_t>(bytes, 8), 2);   // MX
  EXPECT_EQ(word<float>(bytes, 11), 9.0F);      // CELLA x
  EXPECT_EQ(word<float>(bytes, 13), 12.0F);     // CELLA z
  EXPECT_EQ(word<float>(bytes, 15), 90.0F);     // CELLB
  EXPECT_EQ(word<std::int32_t>(bytes, 17), 1);  // MAPC
  EXPECT_EQ(word<std::int32_t>(bytes, 18), 2);  // MAPR
  EXPECT_EQ(word<std::int32_t>(bytes, 19), 3);  // MAPS
  EXPECT_EQ(word<float>(bytes, 20), -3.5F);     // DMIN
  EXPECT_EQ(word<float>(bytes, 21), 19.5F);     // DMAX
  EXPECT_EQ(word<float>(bytes, 22), 8.0F);      // DMEAN
  EXPECT_EQ(word<std::int32_t>(bytes, 23), 1);  // ISPG: a volume
  EXPECT_EQ(word<std::int32_t>(bytes, 24), 0);  // NSYMBT
  EXPECT_EQ(word<std::int32_t>(bytes, 28), 20140);
  EXPECT_EQ(word<float>(bytes, 50), -9.0F);  // ORIGIN x
  EXPECT_EQ(word<float>(bytes, 51), 1.5F);
  EXPECT_EQ(bytes.substr(208, 4), "MAP ");
  EXPECT_EQ(bytes.substr(212, 2), "DD");
  EXPECT_NEAR(word<float>(bytes, 55), 6.9222F, 1e-4);  // RMS
  EXPECT_EQ(word<std::int32_t>(bytes, 56), 2);
  EXPECT_EQ(bytes.substr(224, 12), "made by hand");
  EXPECT_EQ(bytes.substr(304, 17), "hand undetermined");
}

TEST_F(MrcTest, XRunsFastestInTheFile) {
  const std::string bytes = written(small_volume());
  const auto voxel = [&](std::size_t place) { return word<float>(bytes, 257 + place); };
  EXPECT_EQ(voxel(0), -3.5F);      // (0, 0, 0)
  EXPECT_EQ(voxel(1), 12 - 3.5F);  // (1, 0, 0)
  EXPECT_EQ(voxel(2), 4 - 3.5F);   // (0, 1, 0)
  EXPECT_EQ(voxel(6), 1 - 3.5F);   // (0, 0, 1)
}

TEST_F(MrcTest, WhatIsWrittenIsReadBack) {
  const Volume made = small_volume();
  const auto again = read(written(made));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->shape, made.shape);
  EXPECT_EQ(again->voxel, made.voxel);
  EXPECT_EQ(again->origin, made.origin);
  EXPECT_EQ(again->values, made.values);
  EXPECT_EQ(again->labels, made.labels);
}

TEST_F(MrcTest, TheOtherByteOrderIsTheSameMap) {
  std::string bytes = written(small_volume());
  swap_words(bytes, 0, 208, 4);
  swap_words(bytes, 216, 224, 4);
  swap_words(bytes, 1024, bytes.size(), 4);
  const auto again = read(bytes);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->values, small_volume().values);
  EXPECT_EQ(again->labels.size(), 2u);
}

TEST_F(MrcTest, AxesInAnotherOrderAreTurned) {
  std::string bytes = written(small_volume());
  set_word(bytes, 17, 3);  // columns run along z
  set_word(bytes, 18, 1);
  set_word(bytes, 19, 2);
  const auto again = read(bytes);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->shape, ElementsAre(3, 4, 2));
  EXPECT_EQ(again->values[1], 12 - 3.5F);  // the second of the file: z = 1
}

TEST_F(MrcTest, IntegerModesAreRead) {
  Volume made = small_volume();
  made.shape = {3, 1, 1};
  made.values = {0, 0, 0};
  std::string bytes = written(made).substr(0, 1024);
  set_word(bytes, 4, 0);
  EXPECT_THAT(read(bytes + "\x01\xff\x7f")->values, ElementsAre(1, -1, 127));
  set_word(bytes, 4, 1);
  EXPECT_THAT(read(bytes + std::string("\x01\x00\xff\xff\x00\x01", 6))->values,
              ElementsAre(1, -1, 256));
  set_word(bytes, 4, 6);
  EXPECT_THAT(read(bytes + std::string("\x01\x00\xff\xff\x00\x01", 6))->values,
              ElementsAre(1, 65535, 256));
}

TEST_F(MrcTest, BrokenHeadersAreRefusedByName) {
  const std::string good = written(small_volume());
  const auto spoilt = [&](std::size_t number, std::int32_t value) {
    std::string bytes = good;
    set_word(bytes, number, value);
    return read(bytes).status();
  };
  EXPECT_THAT(spoilt(1, 0).message(), HasSubstr("an axis has 0 voxels"));
  EXPECT_THAT(spoilt(4, 4).message(), HasSubstr("its mode is 4"));
  EXPECT_THAT(spoilt(18, 1).message(), HasSubstr("MAPC, MAPR, MAPS"));
  EXPECT_THAT(spoilt(24, -1).message(), HasSubstr("extended header"));
  EXPECT_THAT(spoilt(8, 0).message(), HasSubstr("no size of a voxel"));
  EXPECT_EQ(reason_of(spoilt(3, 30000)), "TRUNCATED");
  EXPECT_EQ(reason_of(spoilt(24, 2000000000)), "TRUNCATED");
  EXPECT_EQ(reason_of(read(good.substr(0, 1000)).status()), "BAD_MRC");
  std::string nan = good;
  set_word(nan, 260, 0x7FC00000);
  EXPECT_THAT(read(nan).status().message(), HasSubstr("not finite"));
}

TEST_F(MrcTest, ACentredDensityHasItsOriginInTheMiddle) {
  const Volume volume = centred_volume(5, 4.5, std::vector<double>(125, 1.0));
  EXPECT_THAT(volume.origin, ElementsAre(-9, -9, -9));
  EXPECT_THAT(volume.labels, testing::Contains("hand undetermined"));
}

}  // namespace
}  // namespace unfold::spi_data
