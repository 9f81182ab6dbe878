#include "common/formats/imaging/histpy_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "common/base/error.h"
#include "common/formats/cosi/npz.h"
#include "common/formats/imaging/bitshuffle.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"

namespace unfold::imaging_data {
namespace {

constexpr std::int64_t kMost = 1'000'000;
constexpr std::size_t kBins = 3 * 5 * 12;
constexpr std::size_t kRows = 12 * 2;
const double kPixel = std::acos(-1.0) / 3;  // sr, of nside 1

class HistpySourceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::ScratchFolder>();
    code_ = test::run_peer("formats/imaging/histpy_peer.py", folder_->path().string());
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (code_ == test::kPeerAbsent) GTEST_SKIP() << "python3-h5py absent";
    ASSERT_EQ(code_, 0);
  }
  static NamedFile named(const std::string& name) {
    if (name.empty()) return {};
    return {*folder_ / (name + ".h5"), "data:" + name};
  }
  static SourceFiles files(const std::string& data, const std::string& response,
                           const std::string& background = "") {
    SourceFiles out;
    out.data = named(data);
    out.response = named(response);
    out.background = named(background);
    return out;
  }
  static std::unique_ptr<Source> open(const SourceFiles& files, const Binning& binning = {}) {
    auto source = open_source(files, binning);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }
  static std::string refusal(const SourceFiles& files) {
    const auto source = open_source(files, {});
    return source.ok() ? "opened" : reason_of(source.status());
  }
  static std::vector<double> expected(const char* name) {
    return *cosi::NpzFile::open(*folder_ / "expected.npz", "peer")->read(name, kMost);
  }
  // All rows, read in two unequal pieces, and their scales.
  static absl::StatusOr<std::vector<double>> rows(const Source& source,
                                                  std::vector<double>* scale = nullptr) {
    auto reader = source.response();
    if (!reader.ok()) return reader.status();
    const auto count = static_cast<std::size_t>(source.header().response_rows);
    const auto bins = static_cast<std::size_t>(source.header().bins);
    std::vector<double> out(count * bins);
    std::vector<double> scales(count);
    const std::size_t some = 5;
    for (const auto& [from, to] : {std::pair{std::size_t{0}, some}, std::pair{some, count}}) {
      const absl::Status status =
          (*reader)->next(std::span(out).subspan(from * bins, (to - from) * bins),
                          std::span(scales).subspan(from, to - from));
      if (!status.ok()) return status;
    }
    if (scale != nullptr) *scale = scales;
    return out;
  }
  static std::vector<double> dense(const Source& source) {
    const auto counts = source.counts();
    EXPECT_TRUE(counts.ok()) << counts.status();
    std::vector<double> out(static_cast<std::size_t>(source.header().times) * kBins, 0);
    for (std::size_t t = 0; t + 1 < counts->begin.size(); ++t) {
      for (auto n = counts->begin[t]; n < counts->begin[t + 1]; ++n) {
        const auto at = static_cast<std::size_t>(n);
        out[t * kBins + static_cast<std::size_t>(counts->bin[at])] = counts->value[at];
      }
    }
    return out;
  }
  static void expect_near(const std::vector<double>& got, const std::vector<double>& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], wanted[i], 1e-13) << i;
  }

  static std::unique_ptr<test::ScratchFolder> folder_;
  static int code_;
};
std::unique_ptr<test::ScratchFolder> HistpySourceTest::folder_;
int HistpySourceTest::code_ = 1;

TEST_F(HistpySourceTest, TellsTheModelAndTheDataSpace) {
  const auto source = open(files("data", "response", "background"));
  ASSERT_NE(source, nullptr);
  const Header& header = source->header();
  EXPECT_EQ(header.format, "histpy");
  EXPECT_EQ(header.response, ResponseKind::kDense);
  EXPECT_EQ(header.sky.kind, sky::GridKind::kHealpix);
  EXPECT_EQ(header.sky.nside, 1);
  EXPECT_EQ(header.energies, 2);
  EXPECT_TRUE(header.energy_fastest);
  EXPECT_EQ(header.energy_edges, (std::vector<double>{100, 300, 600}));
  EXPECT_EQ(header.times, 1);
  EXPECT_EQ(header.bins, static_cast<std::int64_t>(kBins));
  EXPECT_EQ(header.response_rows, static_cast<std::int64_t>(kRows));
  EXPECT_EQ(header.default_background, "background");
  EXPECT_EQ(reason_of(source->attitude().status()), "MISSING_OBJECT");
}

TEST_F(HistpySourceTest, ReadsDenseAndSparseWithAndWithoutFlowBins) {
  for (const std::string tail : {"", "-flow", "-coo", "-flow-coo"}) {
    const auto source = open(files("data" + tail, "response" + tail, "background" + tail));
    ASSERT_NE(source, nullptr);
    EXPECT_EQ(dense(*source), expected("counts")) << tail;
    const auto all = rows(*source);
    ASSERT_TRUE(all.ok()) << all.status();
    expect_near(*all, expected("response"));
    const auto background = source->background({"background"});
    ASSERT_TRUE(background.ok()) << background.status();
    EXPECT_EQ(background->components[0].spectrum, expected("background"));
    EXPECT_EQ(background->components[0].scale, std::vector<double>{1});
  }
}

TEST_F(HistpySourceTest, ReadsChunkedResponsesAndTheFirstDrm) {
  for (const char* response : {"response-chunks", "contents"}) {
    const auto source = open(files("data", response));
    ASSERT_NE(source, nullptr);
    const auto all = rows(*source);
    ASSERT_TRUE(all.ok()) << all.status();
    expect_near(*all, expected("response"));
  }
}

TEST_F(HistpySourceTest, UnpacksCountsOfEveryWidth) {
  for (const char* response : {"counts-u1", "counts-u2", "counts-u4", "counts-one-block"}) {
    const auto source = open(files("data", response));
    ASSERT_NE(source, nullptr);
    EXPECT_TRUE(source->header().integer_counts);
    std::vector<double> scale;
    const auto all = rows(*source, &scale);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(*all, expected("integer")) << response;
    for (std::size_t row = 0; row < kRows; ++row) {
      EXPECT_NEAR(scale[row], (row % 2 == 0 ? 0.5 : 2.0) * kPixel, 1e-15);
    }
  }
}

TEST_F(HistpySourceTest, RefusesDamagedAndForeignPacking) {
  for (const char* response : {"counts-cut", "counts-long", "counts-size"}) {
    const auto source = open(files("data", response));
    ASSERT_NE(source, nullptr);
    const auto all = rows(*source);
    EXPECT_EQ(reason_of(all.status()), "BAD_STRUCTURE") << response;
    EXPECT_NE(all.status().message().find("COUNTS"), absl::string_view::npos);
  }
  const auto zstd = open_source(files("data", "counts-zstd"), {});
  EXPECT_EQ(reason_of(zstd.status()), "UNSUPPORTED_FILTER");
  EXPECT_NE(zstd.status().message().find("32008"), absl::string_view::npos) << zstd.status();
  EXPECT_EQ(refusal(files("data", "ragged")), "UNSUPPORTED_FORMAT");
}

TEST_F(HistpySourceTest, NamesWrongAxesUnitsAndValues) {
  EXPECT_EQ(refusal(files("scatt", "response")), "WRONG_AXIS");
  EXPECT_EQ(refusal(files("mev", "response")), "WRONG_UNIT");
  EXPECT_EQ(refusal(files("rate", "response")), "WRONG_UNIT");
  EXPECT_EQ(refusal(files("nested", "response")), "WRONG_AXIS");
  EXPECT_EQ(refusal(files("gcxs", "response")), "UNSUPPORTED_FORMAT");
  EXPECT_EQ(refusal(files("data", "m2")), "WRONG_UNIT");
  EXPECT_EQ(refusal(files("data", "local")), "WRONG_AXIS");
  EXPECT_EQ(refusal(files("data", "polarised")), "WRONG_AXIS");
  EXPECT_EQ(refusal(files("timed-galactic", "response")), "WRONG_AXIS");
  EXPECT_EQ(refusal(files("data", "")), "MISSING_FILE");
  EXPECT_EQ(refusal(files("data", "data")), "WRONG_AXIS");
  EXPECT_EQ(reason_of(open(files("half", "response"))->counts().status()), "BAD_VALUE");
  EXPECT_EQ(reason_of(rows(*open(files("data", "negative"))).status()), "BAD_VALUE");
  const auto source = open_source(files("mev", "response"), {});
  EXPECT_NE(source.status().message().find("axes/0"), absl::string_view::npos) << source.status();
  EXPECT_EQ(field_of(source.status()), "data");
}

TEST_F(HistpySourceTest, TurnsAnInstrumentsResponseByTheAttitude) {
  std::string rows_text = "Type OrientationsGalactic\n";
  for (int t = 900; t <= 2000; t += 100) {
    rows_text +=
        "OG " + std::to_string(t) + " 0 0 90 0 500 90 0 " + (t < 1600 ? "100" : "50") + "\n";
  }
  test::write_text(*folder_ / "o.ori", rows_text);
  SourceFiles with = files("timed", "instrument", "timed-background");
  with.attitude = {*folder_ / "o.ori", "data:o.ori"};
  const auto source = open(with);
  ASSERT_NE(source, nullptr);
  const Header& header = source->header();
  EXPECT_EQ(header.response, ResponseKind::kFactored);
  EXPECT_EQ(header.times, 2);
  EXPECT_EQ(header.response_rows, 12);
  EXPECT_EQ(dense(*source), expected("timed"));
  const auto attitude = source->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  // Held still: one pointing a time bin, of 600 s and of half of 300 s.
  EXPECT_EQ(attitude->live_time, (std::vector<double>{600, 150}));
  EXPECT_EQ(attitude->time_bin, (std::vector<std::int32_t>{0, 1}));
  // The frames agree, and the Earth hides the pixels around the southern pole.
  for (std::uint16_t p = 0; p < 12; ++p) {
    EXPECT_EQ(attitude->lookup.direction[p], p < 8 ? p : 65535);
  }
  std::vector<double> scale;
  EXPECT_EQ(*rows(*source, &scale), expected("instrument"));
  EXPECT_EQ(scale, std::vector<double>(12, 0.5));
  EXPECT_EQ(source->background({"background"})->components[0].full.size(), 2 * kBins);

  with.background = named("plain-background");
  const auto shared = open(with)->background({"background"});
  ASSERT_TRUE(shared.ok()) << shared.status();
  EXPECT_EQ(shared->components[0].scale, (std::vector<double>{0.8, 0.2}));
  with.attitude = {};
  EXPECT_EQ(refusal(with), "WRONG_AXIS");
  // Axes that are one and the same have no third, and no direction seen from them.
  test::write_text(*folder_ / "flat.ori",
                   "Type OrientationsGalactic\nOG 900 0 0 0 0\nOG 2000 0 0 0 0\n");
  with.attitude = {*folder_ / "flat.ori", "data:flat.ori"};
  EXPECT_EQ(refusal(with), "BAD_ORIENTATION");
}

TEST(Bitshuffle, RefusesHeadsThatLie) {
  const auto chunk = [](std::initializer_list<int> bytes) {
    std::vector<std::byte> out;
    for (const int byte : bytes) out.push_back(static_cast<std::byte>(byte));
    return out;
  };
  std::vector<std::byte> out(8);
  EXPECT_NE(undo_bitshuffle_lz4(chunk({0, 0, 0}), 1, out), "");
  EXPECT_NE(undo_bitshuffle_lz4(chunk({0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 8}), 1, out), "");
  EXPECT_NE(undo_bitshuffle_lz4(chunk({0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0}), 1, out), "");
  EXPECT_NE(undo_bitshuffle_lz4(chunk({0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8, 255, 0, 0, 0}), 1, out),
            "");
  // Eight elements whose lowest bits are 10000001: one block of eight literals.
  EXPECT_EQ(undo_bitshuffle_lz4(chunk({0, 0, 0, 0,    0,    0, 0, 8, 0, 0, 0, 8, 0,
                                       0, 0, 9, 0x80, 0x81, 0, 0, 0, 0, 0, 0, 0}),
                                1, out),
            "");
  EXPECT_EQ(out, chunk({1, 0, 0, 0, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace unfold::imaging_data
