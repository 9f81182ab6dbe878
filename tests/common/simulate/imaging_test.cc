#include "common/simulate/imaging.h"

#include <gtest/gtest.h>
#include <tbb/global_control.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/base/error.h"
#include "common/simulate/compton_response.h"
#include "common/simulate/cumulative.h"
#include "common/sky/grid.h"

namespace unfold::simulate {
namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.);
}

ImagingScene scene_of(const ImagingOptions& options) {
  absl::StatusOr<ImagingScene> scene = ImagingScene::make(options);
  EXPECT_TRUE(scene.ok()) << scene.status();
  return *std::move(scene);
}

/// sum over d of R x for each time bin: counts that the truth should give. [T]
std::vector<double> expected_per_time(const imaging_data::ProblemParts& parts) {
  const auto pixels = static_cast<std::size_t>(parts.sky.pixels());
  const auto bins = static_cast<std::size_t>(parts.bins);
  std::vector<double> expected(static_cast<std::size_t>(parts.times));
  for (std::size_t v = 0; v < parts.attitude.live_time.size(); ++v) {
    for (std::size_t p = 0; p < pixels; ++p) {
      const std::uint16_t k = parts.attitude.lookup.direction[v * pixels + p];
      if (k == 65535 || parts.truth[p] == 0) continue;
      double area = 0;
      for (std::size_t d = 0; d < bins; ++d) area += parts.instrument_response[k * bins + d];
      expected[static_cast<std::size_t>(parts.attitude.time_bin[v])] +=
          area * parts.attitude.live_time[v] * parts.truth[p] * parts.sky.solid_angle[p];
    }
  }
  return expected;
}

TEST(DataSpace, KeepsTheBinsThatTheDataChallengesCutsLeave) {
  const DataSpace six = data_space(6);
  EXPECT_EQ(six.phi_bins, 30);
  EXPECT_EQ(six.fisbel_bins, 1145);
  EXPECT_EQ(six.kept.size(), 2366u);
  EXPECT_NEAR(sum(six.background), 1, 1e-12);
  EXPECT_EQ(data_space(18).kept.size(), 54u);
  EXPECT_EQ(data_space(12).kept.size(), 298u);
}

TEST(ConeResponse, PeaksWhereTheScatterAngleClosesTheCone) {
  const DataSpace space = data_space(6);
  const sky::LocalGrid local{.step_deg = 6};
  const ComptonCone cone;
  const std::vector<float> response = cone_response(cone, space, local);
  const std::size_t bins = space.kept.size();
  const std::size_t k = 5 * 60 + 10;  // zenith 33, azimuth 63 degrees
  const auto best = std::max_element(response.begin() + static_cast<long>(k * bins),
                                     response.begin() + static_cast<long>((k + 1) * bins));
  const auto cell = static_cast<std::size_t>(
      space.kept[static_cast<std::size_t>(best - response.begin()) - k * bins]);
  const double phi = (static_cast<double>(cell / 1145) + 0.5) * 6;
  const double polar = space.centres[2 * (cell % 1145)];
  const double azimuth = space.centres[2 * (cell % 1145) + 1];
  const double z = 33 * M_PI / 180;
  const double cosine = std::sin(z) * std::sin(polar) * std::cos(azimuth - 63 * M_PI / 180) +
                        std::cos(z) * std::cos(polar);
  EXPECT_NEAR(std::acos(cosine) * 180 / M_PI, phi, 4);
  // No more than the effective area is kept, and nothing beyond the cut.
  EXPECT_LT(std::accumulate(response.begin() + static_cast<long>(k * bins),
                            response.begin() + static_cast<long>((k + 1) * bins), 0.),
            cone.effective_area);
  EXPECT_EQ(*std::max_element(response.begin() + static_cast<long>(15 * 60 * bins), response.end()),
            0);
}

TEST(DrawnResponse, HoldsWholeCountsAndAgreesOnAverage) {
  const DataSpace space = data_space(18);
  const sky::LocalGrid local{.step_deg = 18};
  const std::vector<float> fine = cone_response({}, space, {.step_deg = 6});
  const auto bins = static_cast<std::int64_t>(space.kept.size());
  const std::vector<double> drawn = drawn_response(fine, local, 3, bins, 1e4, 7);
  const std::vector<double> again = drawn_response(fine, local, 3, bins, 1e4, 7);
  EXPECT_EQ(drawn, again);
  EXPECT_NE(drawn, drawn_response(fine, local, 3, bins, 1e4, 8));
  EXPECT_NEAR(sum(drawn) * 9, std::accumulate(fine.begin(), fine.end(), 0.), 0.01 * 9 * sum(drawn));
  for (std::int64_t k = 0; k < local.directions(); ++k) {
    double area = 0;  // of the nine directions that became one
    for (std::int64_t i = 0; i < 9 * bins; ++i) {
      const std::int64_t row = (k / 20 * 3 + i / bins / 3) * 60 + k % 20 * 3 + i / bins % 3;
      area += static_cast<double>(fine[static_cast<std::size_t>(row * bins + i % bins)]) / 9;
    }
    for (std::int64_t d = 0; d < bins && area > 0; ++d) {
      const double count = drawn[static_cast<std::size_t>(k * bins + d)] / area * 1e4;
      EXPECT_NEAR(count, std::round(count), 1e-6);
    }
  }
}

TEST(Cumulative, NeverDrawsAColumnWithoutWeight) {
  const Cumulative rows = cumulative(std::vector<double>{0, 0.1, 0.2, 0, 0, 5, 0, 0}, 4);
  EXPECT_EQ(rows.draw(0, 0), 1);
  EXPECT_EQ(rows.draw(0, 0.33), 1);
  EXPECT_EQ(rows.draw(0, 0.34), 2);
  EXPECT_EQ(rows.draw(0, std::nextafter(1., 0.)), 2);
  EXPECT_EQ(rows.draw(1, 0), 1);
  EXPECT_EQ(rows.draw(1, std::nextafter(1., 0.)), 1);
  EXPECT_DOUBLE_EQ(rows.total[1], 5);
}

TEST(ImagingScene, DrawsTheCountsThatTruthAndBackgroundPromise) {
  ImagingOptions options;
  options.background_counts = 30000;
  const ImagingScene scene = scene_of(options);
  const imaging_data::ProblemParts parts = scene.problem(1);
  const std::vector<double> from_sky = expected_per_time(parts);
  EXPECT_NEAR(sum(from_sky), scene.expected_source_counts(), 1e-9 * sum(from_sky));
  EXPECT_NEAR(scene.expected_background_counts(), 30000, 1e-6);
  const double expected = sum(from_sky) + 30000;
  EXPECT_NEAR(sum(parts.counts.value), expected, 5 * std::sqrt(expected));
  // Exposure weighs the truth as the operator does.
  double exposed = 0;
  for (std::size_t p = 0; p < parts.truth.size(); ++p)
    exposed += parts.truth[p] * parts.exposure[p];
  EXPECT_NEAR(exposed, sum(from_sky), 1e-9 * exposed);
}

TEST(ImagingScene, CountsSpreadAsTheResponseSays) {
  // chi2 of the counts summed over time against truth through the response, without background.
  ImagingOptions options;
  options.background_counts = 0;
  options.bulge = 3;
  const ImagingScene scene = scene_of(options);
  const imaging_data::ProblemParts parts = scene.problem(3);
  const auto bins = static_cast<std::size_t>(parts.bins);
  const auto pixels = static_cast<std::size_t>(parts.sky.pixels());
  std::vector<double> expected(bins);
  for (std::size_t v = 0; v < parts.attitude.live_time.size(); ++v) {
    for (std::size_t p = 0; p < pixels; ++p) {
      const std::uint16_t k = parts.attitude.lookup.direction[v * pixels + p];
      if (k == 65535) continue;
      for (std::size_t d = 0; d < bins; ++d)
        expected[d] += parts.instrument_response[k * bins + d] * parts.attitude.live_time[v] *
                       parts.truth[p] * parts.sky.solid_angle[p];
    }
  }
  std::vector<double> seen(bins);
  for (std::size_t n = 0; n < parts.counts.bin.size(); ++n)
    seen[static_cast<std::size_t>(parts.counts.bin[n])] += parts.counts.value[n];
  double chi2 = 0;
  for (std::size_t d = 0; d < bins; ++d)
    chi2 += (seen[d] - expected[d]) * (seen[d] - expected[d]) / expected[d];
  const auto freedom = static_cast<double>(bins);
  EXPECT_GT(sum(seen), 5e4);
  EXPECT_NEAR(chi2, freedom, 5 * std::sqrt(2 * freedom));
}

TEST(ImagingScene, GivesTheSameCountsForTheSameSeedOnAnyNumberOfThreads) {
  const ImagingScene scene = scene_of({});
  const imaging_data::ProblemParts parts = scene.problem(5);
  imaging_data::ProblemParts alone;
  {
    const tbb::global_control one(tbb::global_control::max_allowed_parallelism, 1);
    alone = scene_of({}).problem(5);
  }
  EXPECT_EQ(parts.counts.bin, alone.counts.bin);
  EXPECT_EQ(parts.counts.value, alone.counts.value);
  EXPECT_EQ(parts.instrument_response, alone.instrument_response);
  EXPECT_NE(parts.counts.value, scene.problem(6).counts.value);
}

TEST(ImagingScene, CountsAreListedByTimeAndIncreasingBins) {
  const imaging_data::ProblemParts parts = scene_of({}).problem(1);
  ASSERT_EQ(parts.counts.begin.size(), 49u);
  EXPECT_EQ(parts.counts.begin.back(), static_cast<std::ptrdiff_t>(parts.counts.bin.size()));
  for (std::size_t t = 0; t < 48; ++t)
    for (auto i = parts.counts.begin[t] + 1; i < parts.counts.begin[t + 1]; ++i)
      ASSERT_LT(parts.counts.bin[static_cast<std::size_t>(i - 1)],
                parts.counts.bin[static_cast<std::size_t>(i)]);
}

TEST(ImagingScene, BackgroundsFollowGroupsAndLiveTime) {
  ImagingOptions options;
  options.group_scale = {0.5, 1, 2};
  options.dead_bins = {7, 8};
  options.bulge = 0;
  options.sources.clear();
  const ImagingScene scene = scene_of(options);
  const imaging_data::ProblemParts parts = scene.problem(1);
  for (const std::size_t dead : {7u, 8u}) {
    EXPECT_EQ(parts.counts.begin[dead], parts.counts.begin[dead + 1]);
    EXPECT_EQ(parts.background_live.scale[dead], 0);
    EXPECT_GT(parts.background_dc1.scale[dead], 0);
  }
  EXPECT_EQ(parts.group[15], 0);
  EXPECT_EQ(parts.group[16], 1);
  EXPECT_EQ(parts.group[47], 2);
  const std::vector<double> truth = scene.true_amplitudes(parts);
  ASSERT_EQ(truth.size(), 3u);
  EXPECT_NEAR(truth[1] / truth[0], 2, 1e-9);
  EXPECT_NEAR(truth[2] / truth[0], 4, 1e-9);
  double modelled = 0;
  for (std::size_t t = 0; t < 48; ++t)
    modelled += truth[static_cast<std::size_t>(parts.group[t])] * parts.background_live.scale[t];
  EXPECT_NEAR(modelled, scene.expected_background_counts(), 1e-6 * modelled);
}

TEST(ImagingScene, AMismatchKeepsTheFluxAndMovesTemplateAndResponse) {
  ImagingOptions options;
  const ImagingScene matched = scene_of(options);
  options.mismatch = true;
  const ImagingScene scene = scene_of(options);
  const imaging_data::ProblemParts parts = scene.problem(1);
  const imaging_data::ProblemParts other = matched.problem(1);
  const auto flux = [](const imaging_data::ProblemParts& of) {
    double total = 0;
    for (std::size_t p = 0; p < of.truth.size(); ++p) total += of.truth[p] * of.sky.solid_angle[p];
    return total;
  };
  EXPECT_NEAR(flux(parts), 0.13, 1e-12);
  EXPECT_NEAR(flux(other), 0.13, 1e-12);
  double square = 0;
  for (std::size_t d = 0; d < static_cast<std::size_t>(parts.bins); ++d) {
    const double ratio = parts.background_live.spectrum[d] / other.background_live.spectrum[d] - 1;
    square += ratio * ratio / static_cast<double>(parts.bins);
  }
  EXPECT_NEAR(std::sqrt(square), 0.1, 0.03);
  EXPECT_NEAR(sum(parts.instrument_response) / sum(other.instrument_response), 1, 0.05);
  EXPECT_NE(parts.instrument_response, other.instrument_response);
}

TEST(ImagingScene, AnOrbitLosesLiveTimeAndTheEarthHidesPartOfTheSky) {
  ImagingOptions options;
  options.platform = Platform::kOrbit;
  options.pointings = 12;
  options.rocking_deg = 70;
  options.zenith_cut_deg = 90;
  const ImagingScene scene = scene_of(options);
  const imaging_data::ProblemParts parts = scene.problem(1);
  const std::vector<double>& live = parts.attitude.live_time;
  const auto lost = std::count(live.begin(), live.end(), 0.);
  EXPECT_GT(lost, 0);
  EXPECT_LT(lost, static_cast<std::ptrdiff_t>(live.size() / 4));
  EXPECT_LE(*std::max_element(live.begin(), live.end()), 150 * 0.95);
  EXPECT_EQ(scene.flight().altitude_km.size(), live.size());

  const auto seen = [](const imaging_data::ProblemParts& of) {
    const std::vector<std::uint16_t>& k = of.attitude.lookup.direction;
    return std::count_if(k.begin(), k.end(), [](std::uint16_t d) { return d != 65535; });
  };
  options.rocking_deg = 0;
  EXPECT_LT(seen(parts), 0.9 * static_cast<double>(seen(scene_of(options).problem(1))));
}

TEST(ImagingOptions, PresetsAreAsLargeAsTheySay) {
  for (const char* name : {"tiny", "medium", "dc1"}) EXPECT_TRUE(imaging_preset(name).ok()) << name;
  const auto none = imaging_preset("huge");
  EXPECT_EQ(reason_of(none.status()), "UNKNOWN_NAME");
  const ImagingScene scene = scene_of(*imaging_preset("dc1"));
  const imaging_data::ProblemParts parts = scene.problem(1);
  EXPECT_EQ(parts.times, 2240);
  EXPECT_EQ(parts.attitude.live_time.size(), 8960u);
  EXPECT_EQ(parts.sky.pixels(), 1800);
  EXPECT_EQ(parts.bins, 2366);
  EXPECT_NEAR(sum(parts.counts.value), 1.5e5, 0.1e5);
}

TEST(ImagingOptions, WhatCannotBeIsRefusedByName) {
  const auto refused = [](auto change) {
    ImagingOptions options;
    change(options);
    const auto scene = ImagingScene::make(options);
    return scene.ok() ? std::string("accepted") : field_of(scene.status());
  };
  EXPECT_EQ(refused([](ImagingOptions& o) { o.pixel_deg = 7; }), "pixel_deg");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.pixel_deg = 20; }), "pixel_deg");  // no FISBEL
  EXPECT_EQ(refused([](ImagingOptions& o) { o.time_bins = 0; }), "time_bins");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.dead_bins = {48}; }), "dead_bins");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.sources = {{0, 91, 1}}; }), "sources");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.bulge = std::nan(""); }), "bulge");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.group_scale = {}; }), "group_scale");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.background_counts = -1; }), "background_counts");
  EXPECT_EQ(refused([](ImagingOptions& o) { o.pixel_deg = 9; }), "accepted");
}

}  // namespace
}  // namespace unfold::simulate
