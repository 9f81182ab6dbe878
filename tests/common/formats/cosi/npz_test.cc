#include "common/formats/cosi/npz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "common/base/error.h"
#include "common/formats/cosi/npy_header.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::cosi {
namespace {

class NpzTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const int code = test::run_peer("formats/cosi/make_npz.py", folder_.path().string());
    if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-numpy absent";
    ASSERT_EQ(code, 0);
  }
  std::vector<double> ramp() const {
    std::vector<double> out(24);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(i);
    return out;
  }
  test::ScratchFolder folder_;
};

TEST_F(NpzTest, ReadsStoredDeflatedAndZip64Members) {
  for (const char* name : {"stored.npz", "deflated.npz", "wide.npz"}) {
    const auto file = NpzFile::open(folder_ / name, name);
    ASSERT_TRUE(file.ok()) << file.status();
    for (const char* array : {"c", "f4", "i8", "u2"}) {
      const auto values = file->read(array, 24);
      ASSERT_TRUE(values.ok()) << values.status();
      EXPECT_EQ(*values, ramp()) << array;
    }
    EXPECT_EQ(file->read("i1", 24)->back(), -23);
    EXPECT_EQ((*file->read("flag", 24))[5], 0);
    EXPECT_EQ((*file->read("flag", 24))[6], 1);
    EXPECT_EQ(*file->read("scalar", 1), std::vector<double>{7.5});
    EXPECT_TRUE(file->read("empty", 1)->empty());
    EXPECT_TRUE(std::isnan(file->read("nan", 2)->front()));
  }
}

TEST_F(NpzTest, TellsShapeAndOrder) {
  const auto file = NpzFile::open(folder_ / "deflated.npz", "f");
  ASSERT_TRUE(file.ok());
  EXPECT_THAT(file->header("c")->shape, ::testing::ElementsAre(2, 3, 4));
  EXPECT_FALSE(file->header("c")->fortran);
  EXPECT_TRUE(file->header("f")->fortran);
  EXPECT_EQ((*file->read("f", 24))[1], 12);  // the first axis runs fastest
  EXPECT_EQ(file->header("i1")->kind, 'i');
  EXPECT_TRUE(file->has("c"));
  EXPECT_FALSE(file->has("x"));
}

TEST_F(NpzTest, StreamsArraysLongerThanAPiece) {
  const auto file = NpzFile::open(folder_ / "big.npz", "f");
  ASSERT_TRUE(file.ok());
  std::size_t at = 0;
  double worst = 0;
  const auto compare = [&](std::span<const double> piece) {
    for (const double value : piece) {
      worst = std::max(worst, std::abs(value - std::sin(static_cast<double>(at++))));
    }
    return absl::OkStatus();
  };
  ASSERT_TRUE(file->stream("ramp", compare).ok());
  EXPECT_EQ(at, 300000u);
  EXPECT_LT(worst, 1e-14);
  EXPECT_EQ(file->read("zeros", 300000)->size(), 300000u);
}

TEST_F(NpzTest, RefusesByNameWhatIsNoPlainNumbers) {
  const auto file = NpzFile::open(folder_ / "object.npz", "data:object.npz");
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->read("fine", 24).ok());
  for (const char* array : {"bad", "text", "complex", "big"}) {
    const auto got = file->read(array, 100);
    EXPECT_EQ(reason_of(got.status()), "BAD_ARRAY") << array;
    EXPECT_NE(got.status().message().find(array), absl::string_view::npos);
  }
  EXPECT_NE(file->read("bad", 9).status().message().find("pickled"), absl::string_view::npos);
  EXPECT_EQ(reason_of(file->read("absent", 9).status()), "MISSING_ARRAY");
  EXPECT_EQ(reason_of(file->read("fine", 23).status()), "BAD_ARRAY");
}

TEST_F(NpzTest, RefusesCutAndDamagedFiles) {
  std::mt19937 random(3);
  for (const char* name : {"stored.npz", "deflated.npz", "wide.npz"}) {
    const std::string whole = test::read_text(folder_ / name);
    for (const std::size_t keep : {whole.size() - 1, whole.size() / 2, std::size_t{30}}) {
      test::write_text(folder_ / "cut", whole.substr(0, keep));
      EXPECT_FALSE(NpzFile::open(folder_ / "cut", "cut").ok()) << name << keep;
    }
    // A flipped byte in a member's data is found by its checksum at the latest.
    std::string damaged = whole;
    damaged[whole.find("NUMPY") != std::string::npos ? whole.find("NUMPY") + 150 : 60] ^= 0x55;
    test::write_text(folder_ / "cut", damaged);
    const auto file = NpzFile::open(folder_ / "cut", "cut");
    if (!file.ok()) continue;
    EXPECT_FALSE(file->read("c", 24).ok()) << name;
  }
}

TEST(NpyHead, RefusesShapesThatOverflow) {
  NpyHeader out;
  const auto head = [](const std::string& shape) {
    return "{'descr': '<f8', 'fortran_order': False, 'shape': " + shape + ", }";
  };
  EXPECT_EQ(parse_npy_header(head("(3, 4)"), out), "");
  EXPECT_EQ(out.elements(), 12);
  EXPECT_EQ(parse_npy_header(head("()"), out), "");
  EXPECT_EQ(out.elements(), 1);
  for (const char* shape :
       {"(4294967296, 4294967296)", "(-1,)", "(1e9,)", "3", "(", "(a,)", "(1,1,1,1,1,1,1,1,1)"}) {
    EXPECT_NE(parse_npy_header(head(shape), out), "") << shape;
  }
}

TEST(RealArrays, OfTheBackgroundTemplateAreRead) {
  const auto path = test::shared_file("data/imaging/real/LingModel_bg_all_v1_fine_6deg.npz");
  if (path.empty()) GTEST_SKIP() << "shared data absent";
  const auto file = NpzFile::open(path, "real");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_THAT(file->header("bg_response")->shape, ::testing::ElementsAre(174, 30, 1145));
  EXPECT_EQ(file->read("energy_bin_edges", 175)->back(), 5000);
  double sum = 0;
  ASSERT_TRUE(file->stream("bg_response",
                           [&](std::span<const double> piece) {
                             for (const double value : piece) sum += value;
                             return absl::OkStatus();
                           })
                  .ok());
  EXPECT_NEAR(sum, 174, 1e-9);  // each energy is normalised
}

}  // namespace
}  // namespace unfold::cosi
