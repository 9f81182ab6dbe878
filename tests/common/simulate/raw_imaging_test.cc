#include "common/simulate/raw_imaging.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "common/base/error.h"
#include "common/formats/imaging/raw_source.h"
#include "common/simulate/npz.h"
#include "tests/common/formats/peer.h"
#include "tests/support/scratch_folder.h"

namespace unfold::simulate {
namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.);
}

TEST(NpzWriter, NumpyReadsArraysGivenWholeAndInPieces) {
  const test::ScratchFolder folder;
  const std::string path = (folder / "arrays.npz").string();
  NpzWriter npz(path);
  npz.add("counts", std::vector<std::int64_t>{3, -1, 4}, {3});
  npz.begin("cube", {200, 3, 100});
  std::vector<double> piece(300);
  for (int i = 0; i < 200; ++i) {
    for (int j = 0; j < 300; ++j) piece[static_cast<std::size_t>(j)] = (i * 300 + j) * 0.5;
    npz.append(piece);
  }
  npz.end();
  npz.add("scalar", std::vector<double>{2.5}, {});
  ASSERT_TRUE(npz.finish().ok());
  const int code = test::run_peer("simulate/npz_peer.py", path);
  if (code == test::kPeerAbsent) GTEST_SKIP() << "python3-numpy absent";
  EXPECT_EQ(code, 0);
}

TEST(NpzWriter, SaysWhereItCannotWrite) {
  NpzWriter npz("/nowhere/at/all.npz");
  npz.add("counts", std::vector<std::int64_t>{1}, {1});
  EXPECT_EQ(reason_of(npz.finish()), "WRITE_FAILED");
}

/// A simulation, and what the reader of raw files makes of it.
struct RoundTrip {
  imaging_data::ProblemParts parts;
  std::vector<DrawnEvent> events;
  std::unique_ptr<imaging_data::RawSource> source;
};

class RawImagingTest : public testing::Test {
 protected:
  RoundTrip through_files(const ImagingOptions& options) {
    const absl::StatusOr<ImagingScene> scene = ImagingScene::make(options);
    EXPECT_TRUE(scene.ok()) << scene.status();
    RoundTrip trip;
    trip.events = scene->draw(options.seed);
    trip.parts = scene->problem(trip.events);
    const RawImagingFiles files = {
        (folder_ / "events.tra.gz").string(), (folder_ / "attitude.ori").string(),
        (folder_ / "background.npz").string(), (folder_ / "response.npz").string()};
    const absl::Status written = write_raw_imaging(files, *scene, trip.parts, trip.events);
    EXPECT_TRUE(written.ok()) << written;
    imaging_data::SourceFiles raw;
    raw.data = {files.events, "events"};
    raw.response = {files.response, "response"};
    raw.background = {files.background, "background"};
    if (with_attitude_) raw.attitude = {files.attitude, "attitude"};
    imaging_data::Binning binning;
    binning.pixel_deg = options.pixel_deg;
    auto source = imaging_data::open_raw_source(raw, binning);
    EXPECT_TRUE(source.ok()) << source.status();
    if (source.ok()) trip.source = *std::move(source);
    return trip;
  }
  test::ScratchFolder folder_;
  bool with_attitude_ = false;
};

TEST_F(RawImagingTest, EveryEventComesBackInItsBin) {
  ImagingOptions options;
  options.background_counts = 5000;
  options.time_bins = 12;
  const RoundTrip trip = through_files(options);
  ASSERT_NE(trip.source, nullptr);
  const imaging_data::RawSummary& summary = trip.source->summary();
  EXPECT_EQ(summary.events, static_cast<std::int64_t>(trip.events.size()));
  EXPECT_EQ(summary.unphysical + summary.outside_energy + summary.outside_binning +
                summary.outside_template,
            0);
  EXPECT_LE(summary.outside_time_bins, 1);
  EXPECT_EQ(trip.source->cds_index(), trip.parts.cds_index);
  // Per data bin, over time: where a time bin ends depends on the first event.
  std::vector<double> drawn(trip.parts.cds_index.size());
  for (const DrawnEvent& event : trip.events) drawn[static_cast<std::size_t>(event.bin)] += 1;
  const auto counts = trip.source->counts();
  ASSERT_TRUE(counts.ok()) << counts.status();
  for (std::size_t i = 0; i < counts->bin.size(); ++i)
    drawn[static_cast<std::size_t>(counts->bin[i])] -= counts->value[i];
  EXPECT_LE(sum(drawn), 1);
  for (const double rest : drawn) EXPECT_TRUE(rest == 0 || rest == 1) << rest;
}

TEST_F(RawImagingTest, ResponseBackgroundAndSkyAreThoseOfTheSimulation) {
  ImagingOptions options;
  options.background_counts = 3000;
  options.time_bins = 6;
  const RoundTrip trip = through_files(options);
  ASSERT_NE(trip.source, nullptr);
  auto rows = trip.source->response();
  ASSERT_TRUE(rows.ok()) << rows.status();
  std::vector<double> response(trip.parts.instrument_response.size());
  std::vector<double> scale(static_cast<std::size_t>(trip.parts.directions));
  const absl::Status read = (*rows)->next(response, scale);
  ASSERT_TRUE(read.ok()) << read;
  EXPECT_EQ(response, trip.parts.instrument_response);
  const auto background = trip.source->background({"background_dc1"});
  ASSERT_TRUE(background.ok()) << background.status();
  const imaging_data::BackgroundTemplate& shape = background->components.front();
  for (std::int32_t d = 1; d < trip.parts.bins; ++d) {
    EXPECT_NEAR(shape.at(0, d) / shape.at(0, 0),
                trip.parts.background_dc1.spectrum[static_cast<std::size_t>(d)] /
                    trip.parts.background_dc1.spectrum[0],
                1e-9);
  }
  EXPECT_EQ(trip.source->header().sky.l_deg, trip.parts.sky.l_deg);
}

TEST_F(RawImagingTest, AspectsOfTheEventsGiveNearlyTheExposureThatWasFlown) {
  ImagingOptions options;
  options.background_counts = 50000;
  options.time_bins = 12;
  const RoundTrip trip = through_files(options);
  ASSERT_NE(trip.source, nullptr);
  const auto attitude = trip.source->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  EXPECT_NEAR(sum(attitude->live_time), 12 * 1800, 10);
}

TEST_F(RawImagingTest, AnOrbitsLiveTimeAndEarthGoThroughTheOrientationFile) {
  with_attitude_ = true;
  ImagingOptions options;
  options.platform = Platform::kOrbit;
  options.rocking_deg = 70;
  options.pointings = 12;
  options.background_counts = 50000;
  options.time_bins = 12;
  const RoundTrip trip = through_files(options);
  ASSERT_NE(trip.source, nullptr);
  const auto attitude = trip.source->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  const double flown = sum(trip.parts.attitude.live_time);
  EXPECT_NEAR(sum(attitude->live_time), flown, 0.01 * flown);
  const auto seen = [](const imaging_data::Attitude& of) {
    double time = 0;
    for (std::size_t i = 0; i < of.lookup.direction.size(); ++i) {
      const std::size_t v = i / (of.lookup.direction.size() / of.live_time.size());
      if (of.lookup.direction[i] != 65535) time += of.live_time[v];
    }
    return time;
  };
  EXPECT_NEAR(seen(*attitude), seen(trip.parts.attitude), 0.01 * seen(trip.parts.attitude));
}

}  // namespace
}  // namespace unfold::simulate
