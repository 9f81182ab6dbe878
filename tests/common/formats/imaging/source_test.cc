#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "common/formats/imaging/problem_file.h"
#include "tests/common/formats/imaging/source_fixture.h"

namespace unfold::imaging_data {
namespace {

using test::LooseProblem;
using testing::ElementsAre;

TEST_F(SourceTest, ItsHeaderTellsWhatTheFileHolds) {
  const auto source = open(test::loose_problem());
  ASSERT_TRUE(source.ok()) << source.status();
  const Header& header = (*source)->header();
  EXPECT_EQ(header.format, "unfold");
  EXPECT_EQ(header.sky.pixels(), 72);
  EXPECT_EQ(header.sky.nl, 12);
  EXPECT_EQ(header.times, 3);
  EXPECT_EQ(header.bins, 5);
  EXPECT_EQ(header.pointings, 6);
  EXPECT_EQ(header.energies, 1);
  EXPECT_EQ(header.response, ResponseKind::kFactored);
  EXPECT_EQ(header.response_rows, 72);
  EXPECT_EQ(header.stored_counts, 15);
  EXPECT_THAT(header.backgrounds, ElementsAre("background_dc1", "background_live"));
  EXPECT_EQ(header.default_background, "background_live");
  EXPECT_EQ(header.dc1_background, "background_dc1");
  EXPECT_EQ(header.response_digest.size(), 64u);
}

TEST_F(SourceTest, OnlyBinsWithCountsAreKept) {
  const auto source = *open(test::loose_problem());
  const auto counts = source->counts();
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_THAT(counts->begin, ElementsAre(0, 3, 6, 10));
  EXPECT_THAT(counts->bin, ElementsAre(1, 2, 4, 0, 2, 3, 0, 1, 3, 4));
  EXPECT_THAT(counts->value, ElementsAre(1, 2, 1, 2, 1, 2, 1, 2, 1, 2));
}

TEST_F(SourceTest, CountsOfAnyTypeAreTheSame) {
  const auto want = (*open(test::loose_problem()))->counts();
  for (const char type : {'d', 'i', 'l', 's'}) {
    LooseProblem problem = test::loose_problem();
    problem["counts"].type = type;
    const auto got = (*open(problem))->counts();
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->value, want->value) << type;
    EXPECT_EQ(got->bin, want->bin) << type;
  }
}

TEST_F(SourceTest, AnEventListIsTheSameAsDenseCounts) {
  const auto want = (*open(test::loose_problem()))->counts();
  const auto source = open(test::as_events(test::loose_problem()));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().times, 3);
  EXPECT_EQ((*source)->header().stored_counts, 10);
  const auto got = (*source)->counts();
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->begin, want->begin);
  EXPECT_EQ(got->bin, want->bin);
  EXPECT_EQ(got->value, want->value);
}

TEST_F(SourceTest, TheAttitudeHasTimesAndLookups) {
  LooseProblem problem = test::loose_problem();
  const auto attitude = (*open(problem))->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  EXPECT_THAT(attitude->live_time, testing::Each(450.0));
  EXPECT_THAT(attitude->time_bin, ElementsAre(0, 0, 1, 1, 2, 2));
  ASSERT_EQ(attitude->lookup.direction.size(), 6u * 72u);
  EXPECT_EQ(attitude->lookup.direction[0], 65535);
  EXPECT_EQ(attitude->lookup.direction[5], 35);
  EXPECT_TRUE(attitude->lookup.weight.empty());
  EXPECT_TRUE(attitude->axes.empty());
}

TEST_F(SourceTest, FourNeighboursComeWithWeights) {
  LooseProblem problem = test::loose_problem();
  problem["lookup_k"] = {{6, 72, 4}, std::vector<double>(6 * 72 * 4, 7), 's', ""};
  problem["lookup_weight"] = {{6, 72, 4}, std::vector<double>(6 * 72 * 4, 0.25), 'd', ""};
  problem["pointing_axes_galactic"] = {{6, 3, 3}, std::vector<double>(54, 0.5), 'd', ""};
  const auto source = open(problem);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().neighbours, 4);
  const auto attitude = (*source)->attitude();
  ASSERT_TRUE(attitude.ok()) << attitude.status();
  EXPECT_EQ(attitude->lookup.neighbours, 4);
  EXPECT_THAT(attitude->lookup.weight, testing::Each(0.25F));
  ASSERT_EQ(attitude->axes.size(), 6u);
  EXPECT_EQ(attitude->axes[5][8], 0.5);
}

TEST_F(SourceTest, BackgroundsComeByNameWithTheirGroups) {
  LooseProblem problem = test::loose_problem();
  problem["background_activation/spectrum"] = {{5}, {1, 2, 3, 4, 5}, 'd', ""};
  problem["background_activation/scale"] = {{3}, {1, 0, 2}, 'd', ""};
  const auto source = *open(problem);
  EXPECT_THAT(source->header().backgrounds,
              ElementsAre("background_activation", "background_dc1", "background_live"));
  EXPECT_THAT(source->header().background_bytes, ElementsAre(8 * (5 + 3), 8 * 15, 8 * 15));
  EXPECT_EQ(bytes_of_backgrounds(source->header(), {"background_live", "background_activation"}),
            8 * (8 + 15));
  const auto background = source->background({"background_live", "background_activation"});
  ASSERT_TRUE(background.ok()) << background.status();
  EXPECT_EQ(background->groups, 2);
  EXPECT_THAT(background->group, ElementsAre(0, 1, 1));
  ASSERT_EQ(background->components.size(), 2u);
  EXPECT_EQ(background->components[0].name, "background_live");
  EXPECT_EQ(background->components[0].at(2, 4), 14.5);
  EXPECT_THAT(background->components[0].sums(), ElementsAre(12.5, 37.5, 62.5));
  EXPECT_EQ(background->components[1].at(2, 4), 10);
  EXPECT_THAT(background->components[1].sums(), ElementsAre(15, 0, 30));
  EXPECT_TRUE(source->background({})->components.empty());
  EXPECT_EQ(reason_of(source->background({"background_none"}).status()), "MISSING_OBJECT");
}

std::vector<double> all_rows(const Source& source, std::int64_t at_once,
                             std::vector<double>* scales = nullptr) {
  const Header& header = source.header();
  auto reader = source.response();
  EXPECT_TRUE(reader.ok()) << reader.status();
  std::vector<double> out;
  for (std::int64_t row = 0; row < header.response_rows; row += at_once) {
    const std::int64_t count = std::min(at_once, header.response_rows - row);
    std::vector<double> rows(static_cast<std::size_t>(count * header.bins));
    std::vector<double> scale(scales == nullptr ? 0 : static_cast<std::size_t>(count));
    const absl::Status status = (*reader)->next(rows, scale);
    EXPECT_TRUE(status.ok()) << status;
    out.insert(out.end(), rows.begin(), rows.end());
    if (scales != nullptr) scales->insert(scales->end(), scale.begin(), scale.end());
  }
  return out;
}

TEST_F(SourceTest, TheResponseComesInPiecesOfAnySize) {
  LooseProblem problem = test::loose_problem();
  const auto source = *open(problem);
  for (const std::int64_t at_once : {1, 7, 72}) {
    EXPECT_EQ(all_rows(*source, at_once), problem["instrument_response_cm2"].values);
  }
  const auto reader = *source->response();
  std::vector<double> too_many(73 * 5);
  EXPECT_EQ(reason_of(reader->next(too_many, {})), "WRONG_SHAPE");
}

TEST_F(SourceTest, ADenseResponseComesInTheSameOrder) {
  LooseProblem problem = test::loose_problem();
  problem.datasets.erase("instrument_response_cm2");
  LooseProblem with_energies = problem;
  problem["R"].shape = {3, 72, 5};
  for (int i = 0; i < 3 * 72 * 5; ++i) problem["R"].values.push_back(i);
  const auto source = open(problem);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().response, ResponseKind::kDense);
  EXPECT_EQ((*source)->header().response_rows, 3 * 72);
  EXPECT_EQ((*source)->header().pointings, 0);
  EXPECT_EQ((*source)->attitude().status().code(), absl::StatusCode::kFailedPrecondition);
  for (const std::int64_t at_once : {1, 50, 100, 216}) {
    EXPECT_EQ(all_rows(**source, at_once), problem["R"].values) << at_once;
  }
  with_energies["R"].shape = {3, 2, 72, 5};
  for (int i = 0; i < 2 * 3 * 72 * 5; ++i) with_energies["R"].values.push_back(i);
  with_energies["energy_edges"] = {{3}, {100, 200, 400}, 'd', "keV"};
  const auto two = open(with_energies);
  ASSERT_TRUE(two.ok()) << two.status();
  EXPECT_EQ((*two)->header().energies, 2);
  EXPECT_THAT((*two)->header().energy_edges, ElementsAre(100, 200, 400));
  for (const std::int64_t at_once : {5, 100, 432}) {
    EXPECT_EQ(all_rows(**two, at_once), with_energies["R"].values) << at_once;
  }
}

TEST_F(SourceTest, IntegerResponsesHaveAScaleARow) {
  LooseProblem problem = test::loose_problem();
  problem.datasets.erase("instrument_response_cm2");
  problem["instrument_response_counts"] = {{72, 5}, std::vector<double>(360, 3), 's', ""};
  problem["count_scale_cm2"].shape = {72};
  for (int k = 0; k < 72; ++k) problem["count_scale_cm2"].values.push_back(0.5 * k);
  const auto source = open(problem);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_TRUE((*source)->header().integer_counts);
  std::vector<double> scale;
  EXPECT_THAT(all_rows(**source, 10, &scale), testing::Each(3.0));
  EXPECT_EQ(scale, problem["count_scale_cm2"].values);
  problem["instrument_response_counts"].type = 'd';
  problem["instrument_response_counts"].values[7] = 2.5;
  std::vector<double> rows(360);
  std::vector<double> scales(72);
  const auto spoilt = *open(problem);
  EXPECT_EQ(reason_of((*spoilt->response())->next(rows, scales)), "BAD_VALUE");
}

TEST_F(SourceTest, ResponseAndBackgroundMayHaveFilesOfTheirOwn) {
  LooseProblem data = test::loose_problem();
  LooseProblem response;
  response.group = "";
  response["instrument_response_cm2"] = data["instrument_response_cm2"];
  data.datasets.erase("instrument_response_cm2");
  LooseProblem background;
  background["background_model"] = data["background_live"];
  const SourceFiles files{.data = write(data),
                          .response = write(response, "response.h5"),
                          .background = write(background, "background.h5")};
  const auto source = open_source(files, {});
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(all_rows(**source, 72), response["instrument_response_cm2"].values);
  EXPECT_THAT((*source)->header().backgrounds, ElementsAre("background_model"));
  EXPECT_EQ((*source)->header().default_background, "background_model");
}

TEST_F(SourceTest, TheDigestIsOfTheValuesNotOfTheirPacking) {
  LooseProblem problem = test::loose_problem();
  const std::string digest = (*open(problem))->header().response_digest;
  hdf5::Writer writer = *hdf5::Writer::create(file("packed.h5"));
  const std::vector<double> values = problem["instrument_response_cm2"].values;
  ASSERT_TRUE(writer
                  .dataset("instrument_response_cm2", {72, 5}, std::span<const double>(values),
                           {{10, 3}, 6})
                  .ok());
  ASSERT_TRUE(writer.finish().ok());
  const SourceFiles files{.data = write(problem), .response = named("packed.h5")};
  EXPECT_EQ((*open_source(files, {}))->header().response_digest, digest);
  problem["instrument_response_cm2"].values[100] += 1e-12;
  EXPECT_NE((*open(problem))->header().response_digest, digest);
}

TEST_F(SourceTest, HealpixSkiesAreKnownByTheirAttributes) {
  LooseProblem problem = test::loose_problem();
  const sky::Grid sky = sky::healpix_grid(2, true);
  problem.attributes = {{"nside", std::int64_t{2}}, {"ordering", std::string("NESTED")}};
  problem["l_deg"] = {{48}, sky.l_deg, 'd', ""};
  problem["b_deg"] = {{48}, sky.b_deg, 'd', ""};
  problem["dOmega"] = {{48}, sky.solid_angle, 'd', ""};
  problem["lookup_k"] = {{6, 48}, std::vector<double>(6 * 48, 3), 's', ""};
  problem.datasets.erase("truth");
  const auto source = open(problem);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->header().sky.kind, sky::GridKind::kHealpix);
  EXPECT_TRUE((*source)->header().sky.nested);
  EXPECT_TRUE(absl::IsNotFound((*source)->truth().status()));
  problem.attributes["ordering"] = std::string("RING");
  EXPECT_EQ(reason_of(open(problem).status()), "BAD_VALUE");
}

TEST_F(SourceTest, AProblemThatIsWrittenIsReadBack) {
  ProblemParts parts;
  parts.sky = sky::regular_grid(30);
  parts.bins = 3;
  parts.directions = 2;
  parts.times = 2;
  parts.instrument_response = {1, 2, 3, 4, 5, 6};
  parts.cds_index = {7, 8, 9};
  parts.attitude.live_time = {10, 20};
  parts.attitude.time_bin = {0, 1};
  parts.attitude.lookup.direction.assign(2 * 72, 1);
  parts.attitude.axes.assign(2, {1, 0, 0, 0, 1, 0, 0, 0, 1});
  parts.counts = {{0, 1, 3}, {2, 0, 1}, {1, 300, 2}};
  parts.background_dc1 = {.name = "background_dc1", .full = {1, 2, 3, 4, 5, 6}, .bins = 3};
  parts.background_live = {.name = "background_live", .spectrum = {1, 2, 3}, .scale = {1, 2}};
  parts.group = {0, 1};
  parts.truth.assign(72, 0.5);
  parts.exposure.assign(72, 0.25);
  for (const bool events : {false, true}) {
    const ProblemFileOptions options{
        .response_path = events ? file("r.h5") : "", .events = events, .overwrite = true};
    const absl::Status written = write_problem(file("day.h5"), parts, options);
    ASSERT_TRUE(written.ok()) << written;
    SourceFiles files{.data = named("day.h5")};
    if (events) files.response = named("r.h5");
    const auto source = open_source(files, {});
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->counts()->value, parts.counts.value);
    EXPECT_EQ((*source)->counts()->bin, parts.counts.bin);
    EXPECT_EQ((*source)->attitude()->lookup.direction, parts.attitude.lookup.direction);
    EXPECT_EQ((*source)->attitude()->axes, parts.attitude.axes);
    EXPECT_EQ(*(*source)->truth(), parts.truth);
    const auto background = (*source)->background({"background_dc1", "background_live"});
    EXPECT_EQ(background->components[0].full, parts.background_dc1.full);
    EXPECT_EQ(background->components[1].at(1, 2), 6);
    EXPECT_EQ(all_rows(**source, 2), parts.instrument_response);
  }
  EXPECT_TRUE(absl::IsAlreadyExists(write_problem(file("day.h5"), parts, {})));
}

}  // namespace
}  // namespace unfold::imaging_data
