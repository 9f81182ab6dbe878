#include "common/formats/imaging/raw_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "common/base/error.h"
#include "common/formats/cosi/npz.h"
#include "common/formats/imaging/dc1_template.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::imaging_data {
namespace {

constexpr char kPeer[] = "formats/imaging/raw_peer.py";
constexpr std::int64_t kMost = 100'000'000;

NamedFile named(const std::filesystem::path& path) { return {path, path.filename()}; }

std::vector<double> dense(const Counts& counts, std::int64_t bins) {
  std::vector<double> out((counts.begin.size() - 1) * static_cast<std::size_t>(bins), 0);
  for (std::size_t t = 0; t + 1 < counts.begin.size(); ++t) {
    for (std::ptrdiff_t n = counts.begin[t]; n < counts.begin[t + 1]; ++n) {
      const auto at = static_cast<std::size_t>(n);
      out[t * static_cast<std::size_t>(bins) + static_cast<std::size_t>(counts.bin[at])] =
          counts.value[at];
    }
  }
  return out;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& wanted, double bound,
                 const char* what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  double worst = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    worst = std::max(worst, std::abs(got[i] - wanted[i]));
  }
  EXPECT_LE(worst, bound) << what;
}

class RawSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const int code = test::run_peer(kPeer, "make " + folder_.path().string());
    if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-numpy absent";
    ASSERT_EQ(code, 0);
    binning_.pixel_deg = 18;
  }
  SourceFiles files() const {
    return {.data = named(folder_ / "e.tra.gz"),
            .response = named(folder_ / "r.npz"),
            .background = named(folder_ / "b.npz")};
  }
  std::unique_ptr<RawSource> open(const SourceFiles& files) {
    auto source = open_raw_source(files, binning_);
    EXPECT_TRUE(source.ok()) << source.status();
    return source.ok() ? *std::move(source) : nullptr;
  }
  std::string refusal(const SourceFiles& files, const Binning& binning) {
    const auto source = open_raw_source(files, binning);
    return source.ok() ? "opened" : reason_of(source.status());
  }
  void compare_with_peer(const SourceFiles& files, const Binning& binning);

  test::ScratchFolder folder_;
  Binning binning_;
};

void RawSourceTest::compare_with_peer(const SourceFiles& files, const Binning& b) {
  const auto text = [](double value) { return std::to_string(value) + " "; };
  ASSERT_EQ(
      test::run_peer(kPeer, "bin '" + files.data.path + "' '" + files.background.path + "' '" +
                                (folder_ / "out.npz").string() + "' " + text(b.pixel_deg) +
                                text(b.energy_min) + text(b.energy_max) + text(b.time_step)),
      0);
  const auto peer = cosi::NpzFile::open(folder_ / "out.npz", "peer");
  ASSERT_TRUE(peer.ok()) << peer.status();
  const auto source = open_raw_source(files, b);
  ASSERT_TRUE(source.ok()) << source.status();
  const auto& kept = (*source)->cds_index();
  EXPECT_EQ(std::vector<double>(kept.begin(), kept.end()), *peer->read("cds_index", kMost));
  const auto counts = (*source)->counts();
  expect_near(dense(*counts, (*source)->header().bins), *peer->read("counts", kMost), 0, "counts");
  const auto attitude = (*source)->attitude();
  expect_near(attitude->live_time, *peer->read("seconds", kMost), 1e-6, "seconds");
  EXPECT_EQ(std::vector<double>(attitude->time_bin.begin(), attitude->time_bin.end()),
            *peer->read("place", kMost));
  std::vector<double> axes;
  for (const sky::Axes& of : attitude->axes) axes.insert(axes.end(), of.begin(), of.end());
  expect_near(axes, *peer->read("axes", kMost), 1e-12, "axes");
  const auto background = (*source)->background({"background_dc1", "background_live"});
  ASSERT_TRUE(background.ok()) << background.status();
  const auto wanted = *peer->read("background", kMost);
  const auto live = *peer->read("live", kMost);
  const double longest = *std::max_element(live.begin(), live.end());
  const BackgroundTemplate& constant = background->components[0];
  const BackgroundTemplate& scaled = background->components[1];
  for (std::size_t t = 0; t < live.size(); ++t) {
    for (std::size_t d = 0; d < wanted.size(); ++d) {
      ASSERT_NEAR(constant.spectrum[d] * constant.scale[t], wanted[d], 1e-12 * wanted[d]);
      ASSERT_NEAR(scaled.spectrum[d] * scaled.scale[t], wanted[d] * live[t] / longest,
                  1e-9 * wanted[d]);
    }
  }
}

TEST_F(RawSourceTest, BinsEventsAsThePeerDoes) { compare_with_peer(files(), binning_); }

TEST_F(RawSourceTest, BinsOtherWindowsAndTimesAsThePeerDoes) {
  Binning other = binning_;
  other.energy_min = 100;  // below the template, and between its edges
  other.energy_max = 512;
  other.time_step = 700;
  compare_with_peer(files(), other);
}

TEST_F(RawSourceTest, BinsTheRealEventsAsThePeerDoes) {
  const auto events = test::shared_file(
      "data/imaging/real/"
      "SRC9det_PS511keV_l-010_b-010_simOP_160628_FullDay_CE0000-1000keV_EHCstandard.tra.gz");
  const auto background = test::shared_file("data/imaging/real/LingModel_bg_all_v1_fine_6deg.npz");
  if (events.empty() || background.empty()) GTEST_SKIP() << "shared data absent";
  Binning binning;
  binning.pixel_deg = 6;
  SourceFiles real{.data = named(events), .background = named(background)};
  real.response = named(folder_ / "grid6.npz");
  const std::string make = "/usr/bin/python3 -c \"import numpy; numpy.savez_compressed('" +
                           real.response.path +
                           "', ResponseGrid=numpy.zeros((30, 60, 30, 1145), 'f4'))\"";
  ASSERT_EQ(std::system(make.c_str()), 0);
  compare_with_peer(real, binning);
  const auto source = open_raw_source(real, binning);
  EXPECT_EQ((*source)->header().bins, 2326);  // as DC1 has in the 511 keV window
}

TEST_F(RawSourceTest, EveryEventIsAccountedFor) {
  const auto source = open(files());
  ASSERT_NE(source, nullptr);
  const RawSummary& s = source->summary();
  EXPECT_EQ(s.other_types, 80);
  EXPECT_EQ(s.events + s.unphysical, 3920);
  EXPECT_GT(s.unphysical, 0);
  EXPECT_EQ(s.events, s.outside_time_bins + s.outside_energy + s.outside_binning +
                          s.outside_template + s.binned);
  EXPECT_EQ(s.empty_time_bins.size(), 2u);
  EXPECT_GT(s.outside_template, 0);
  const auto counts = source->counts();
  EXPECT_EQ(std::accumulate(counts->value.begin(), counts->value.end(), 0.0),
            static_cast<double>(s.binned));
  EXPECT_FALSE(source->header().warnings.empty());
}

TEST_F(RawSourceTest, ReadsTheResponseInBothOrders) {
  const auto expected = cosi::NpzFile::open(folder_ / "c-sum.npz", "peer");
  struct Case {
    const char* file;
    const char* rows;
    double bound;
  };
  for (const Case& c : {Case{"r.npz", "line", 0}, Case{"r-fortran.npz", "line", 0},
                        Case{"c.npz", "rows", 1e-15}, Case{"c-fortran.npz", "rows", 1e-15}}) {
    SourceFiles with = files();
    with.response = named(folder_ / c.file);
    const auto source = open(with);
    ASSERT_NE(source, nullptr);
    const auto bins = static_cast<std::size_t>(source->header().bins);
    ASSERT_EQ(source->header().response_rows, 200);
    auto rows = source->response();
    ASSERT_TRUE(rows.ok()) << rows.status();
    const auto all = *expected->read(c.rows, kMost);
    std::vector<double> wanted;
    for (std::size_t k = 0; k < 200; ++k) {
      for (const std::int32_t bin : source->cds_index()) {
        wanted.push_back(all[k * 1270 + static_cast<std::size_t>(bin)]);
      }
    }
    std::vector<double> got(200 * bins);
    // In pieces, as the engine asks for them.
    ASSERT_TRUE((*rows)->next(std::span(got).first(30 * bins), {}).ok());
    ASSERT_TRUE((*rows)->next(std::span(got).subspan(30 * bins), {}).ok());
    expect_near(got, wanted, c.bound, c.file);
    std::vector<double> more(bins);
    EXPECT_FALSE((*rows)->next(more, {}).ok());
  }
}

TEST_F(RawSourceTest, ReadsTemplatesInBothOrders) {
  SourceFiles with = files();
  with.background = named(folder_ / "b-fortran.npz");
  EXPECT_EQ(open(files())->background({"background_dc1"})->components[0].spectrum,
            open(with)->background({"background_dc1"})->components[0].spectrum);
}

TEST_F(RawSourceTest, TheDigestTellsResponsesAndBinsApart) {
  SourceFiles other = files();
  other.response = named(folder_ / "c.npz");
  const std::string digest = open(files())->header().response_digest;
  EXPECT_EQ(digest, open(files())->header().response_digest);
  EXPECT_NE(digest, open(other)->header().response_digest);
}

/// A copy of c.npz, which is not compressed, with one bit of ResponseGrid's last numbers changed.
NamedFile spoilt_grid(const test::ScratchFolder& folder) {
  std::string bytes = test::read_text(folder / "c.npz");
  const std::size_t end = bytes.find("e_edges.npy");  // the member behind it
  bytes[end - 200] = static_cast<char>(bytes[end - 200] ^ 1);
  test::write_text(folder / "spoilt.npz", bytes);
  return named(folder / "spoilt.npz");
}

TEST_F(RawSourceTest, ADamagedResponseDoesNotPassForTheWholeOne) {
  SourceFiles whole = files();
  whole.response = named(folder_ / "c.npz");
  SourceFiles spoilt = files();
  spoilt.response = spoilt_grid(folder_);
  EXPECT_NE(open(whole)->header().response_digest, open(spoilt)->header().response_digest);
}

TEST_F(RawSourceTest, ReadsAResponseAsItsRowsAreAskedFor) {
  SourceFiles with = files();
  with.response = spoilt_grid(folder_);
  const auto source = open(with);
  auto rows = source->response();
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_LE((*rows)->rows_at_once() * 1270 * 6, 1 << 22);
  std::vector<double> got(199 * static_cast<std::size_t>(source->header().bins));
  EXPECT_TRUE((*rows)->next(got, {}).ok());
  got.resize(static_cast<std::size_t>(source->header().bins));
  EXPECT_EQ(reason_of((*rows)->next(got, {})), "BAD_ZIP");
}

TEST_F(RawSourceTest, GroupsBeginWhereAsked) {
  binning_.group_starts = {5, 9};
  const auto background = open(files())->background({"background_dc1"});
  ASSERT_TRUE(background.ok());
  EXPECT_EQ(background->groups, 3);
  EXPECT_EQ(background->group[4], 0);
  EXPECT_EQ(background->group[5], 1);
  EXPECT_EQ(background->group.back(), 2);
  binning_.group_starts = {5, 5};
  EXPECT_EQ(refusal(files(), binning_), "BAD_BINNING");
  binning_.group_starts = {5, 100000};
  EXPECT_EQ(refusal(files(), binning_), "BAD_BINNING");
}

TEST_F(RawSourceTest, RefusesFilesThatDoNotFit) {
  const auto with = [this](const char* which, const char* name) {
    SourceFiles f = files();
    (std::string(which) == "response" ? f.response : f.background) = named(folder_ / name);
    return f;
  };
  EXPECT_EQ(refusal(with("response", "b.npz"), binning_), "MISSING_ARRAY");
  EXPECT_EQ(refusal(with("response", "small.npz"), binning_), "BAD_ARRAY");
  EXPECT_EQ(refusal(with("response", "e.tra.gz"), binning_), "BAD_ZIP");
  EXPECT_EQ(refusal(with("background", "r.npz"), binning_), "MISSING_ARRAY");
  const auto negative = open(with("response", "negative.npz"));
  auto rows = negative->response();
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::vector<double> row(static_cast<std::size_t>(negative->header().bins));
  const absl::Status bad = (*rows)->next(row, {});
  EXPECT_EQ(reason_of(bad), "BAD_ARRAY");
  EXPECT_EQ(field_of(bad), "response");
  SourceFiles without = files();
  without.response = {};
  EXPECT_EQ(refusal(without, binning_), "MISSING_FILE");
  Binning other = binning_;
  other.pixel_deg = 6;
  EXPECT_EQ(refusal(files(), other), "BAD_ARRAY");
  other.pixel_deg = 7;
  EXPECT_EQ(refusal(files(), other), "BAD_BINNING");
  other = binning_;
  other.energy_min = 521;
  EXPECT_EQ(refusal(files(), other), "BAD_BINNING");
  other = binning_;
  other.energy_min = 470;  // in two bins of the continuum
  EXPECT_EQ(refusal(with("response", "c.npz"), other), "BAD_ARRAY");
}

TEST_F(RawSourceTest, OnlyNamesItsOwnBackgrounds) {
  const auto got = open(files())->background({"albedo"});
  EXPECT_EQ(reason_of(got.status()), "NO_SUCH_BACKGROUND");
}

// One row an hour long before the events' day, and rows of one minute during it: live 45 s each.
std::string orientation_file(double start, int minutes, const std::string& more) {
  std::string out = "Type OrientationsGalactic\n";
  for (int i = 0; i <= minutes; ++i) {
    out += "OG " + std::to_string(start + 60.0 * i) + " 0 " + std::to_string((i % 360) * 1.0) +
           " 90 0" + more + "\n";
  }
  return out + "EN\n";
}

TEST_F(RawSourceTest, AnOrientationFileBringsAspectLiveTimeAndTheEarth) {
  const double start = 1.46e9 - 1800;
  test::write_text(folder_ / "short.ori", orientation_file(start, 3000, ""));
  test::write_text(folder_ / "long.ori", orientation_file(start, 3000, " 550 90 0 45"));
  SourceFiles with = files();
  with.attitude = named(folder_ / "short.ori");
  binning_.pointing_step_deg = 4.5;
  const auto plain = open(with);
  ASSERT_NE(plain, nullptr);
  const double elapsed = plain->summary().live_time;
  // 58 bins of 1800 s, but for the last, which ends with the last event.
  EXPECT_GT(elapsed, 57 * 1800 - 1e-3);
  EXPECT_LE(elapsed, 58 * 1800 + 1e-3);
  // The x axis turns by one degree a minute: it has moved 4.5 degrees at the fifth row.
  const auto attitude = plain->attitude();
  EXPECT_NEAR(attitude->live_time[1], 300, 1e-6);

  with.attitude = named(folder_ / "long.ori");
  const auto live = open(with);
  ASSERT_NE(live, nullptr);
  EXPECT_NEAR(live->summary().live_time, 0.75 * elapsed, 1e-6 * elapsed);
  Binning whole = binning_;
  whole.livetime = false;
  EXPECT_NEAR((*open_raw_source(with, whole))->summary().live_time, elapsed, 1e-6 * elapsed);

  // From 550 km the Earth hides what is more than 113 degrees from the zenith, here the pole.
  Binning all = binning_;
  all.zenith_cut_deg = 180;
  const auto seen = [&](const Binning& binning) {
    const auto source = open_raw_source(with, binning);
    const auto lookup = (*source)->attitude()->lookup.direction;
    return std::count_if(lookup.begin(), lookup.begin() + 200,
                         [](std::uint16_t k) { return k != 65535; });
  };
  EXPECT_EQ(seen(all), 120);  // six rows of ten, the lowest at b = -9 degrees
  all.earth = false;
  EXPECT_EQ(seen(all), 200);
}

TEST_F(RawSourceTest, TheEarthPassesBehindAnInstrumentThatStares) {
  std::string text = "Type OrientationsGalactic\n";
  for (int i = 0; i <= 3000; ++i) {  // around the Earth in half an hour, over the galactic equator
    text += "OG " + std::to_string(1.46e9 - 1800 + 60.0 * i) + " 0 0 90 0 550 0 " +
            std::to_string(i * 12 % 360) + " 45\n";
  }
  test::write_text(folder_ / "stare.ori", text + "EN\n");
  SourceFiles with = files();
  with.attitude = named(folder_ / "stare.ori");
  binning_.zenith_cut_deg = 180;
  const auto source = open(with);
  ASSERT_NE(source, nullptr);
  const auto attitude = source->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  const sky::Grid grid = sky::regular_grid(18);
  const auto pixels = static_cast<std::size_t>(grid.pixels());
  // Hidden: less than 67 degrees from the point below, of 360.
  const auto seen = [&](double l, double b) {
    double out = 0;
    for (std::size_t v = 0; v < attitude->live_time.size(); ++v) {
      const std::size_t p = static_cast<std::size_t>(sky::pixel_of(grid, l, b));
      if (attitude->lookup.direction[v * pixels + p] != 65535) out += attitude->live_time[v];
    }
    return out / source->summary().live_time;
  };
  for (const double l : {-100., 5., 80.}) EXPECT_NEAR(seen(l, 5), 1 - 134. / 360, 0.04) << l;
  EXPECT_EQ(seen(0, 85), 1);
}

TEST_F(RawSourceTest, WarnsWhereOrientationsAreOfAnotherDay) {
  test::write_text(folder_ / "o.ori", orientation_file(1.3e9, 10, ""));
  SourceFiles with = files();
  with.attitude = named(folder_ / "o.ori");
  const auto source = open(with);
  ASSERT_NE(source, nullptr);
  EXPECT_EQ(source->summary().live_time, 0);
  EXPECT_THAT(source->header().warnings, ::testing::Contains(::testing::HasSubstr("58 time bins")));
}

TEST(TemplateWeights, AreSharesOfOverlappingBins) {
  const std::vector<double> edges = {10, 20, 30, 50};
  using ::testing::ElementsAre;
  EXPECT_THAT(template_weights(edges, 10, 50), ElementsAre(1, 1, 1));
  EXPECT_THAT(template_weights(edges, 0, 99), ElementsAre(1, 1, 1));
  EXPECT_THAT(template_weights(edges, 21, 29), ElementsAre(0, 1, 0));
  EXPECT_THAT(template_weights(edges, 15, 22), ElementsAre(0.5, 0.2, 0));
  EXPECT_THAT(template_weights(edges, 15, 34), ElementsAre(0.5, 1, 0.4));  // of the bin below
  EXPECT_THAT(template_weights(edges, 20, 30), ElementsAre(0, 1, 0));
  EXPECT_TRUE(template_weights(edges, 60, 70).empty());
}

}  // namespace
}  // namespace unfold::imaging_data
