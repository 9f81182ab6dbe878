#include "common/formats/imaging/source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "common/base/error.h"
#include "common/formats/imaging/problem_file.h"
#include "tests/common/formats/imaging/loose_problem.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"

namespace unfold::imaging_data {
namespace {

using test::LooseProblem;
using testing::ElementsAre;
using testing::HasSubstr;

class SourceTest : public testing::Test {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  NamedFile named(const std::string& name) const { return {file(name), "data:" + name}; }

  NamedFile write(const LooseProblem& problem, const std::string& name = "day.h5") const {
    const absl::Status status = problem.write(file(name));
    EXPECT_TRUE(status.ok()) << status;
    return named(name);
  }
  absl::StatusOr<std::unique_ptr<Source>> open(const LooseProblem& problem) const {
    // A file of its own: HDF5 does not write one that is open.
    const NamedFile data = write(problem, "day" + std::to_string(++files_) + ".h5");
    return open_source({.data = {data.path, "data:day.h5"}}, {});
  }

  const test::ScratchFolder folder_;
  mutable int files_ = 0;
};

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

LooseProblem as_events(LooseProblem problem) {
  problem.datasets.erase("counts");
  problem["events_begin"] = {{4}, {0, 3, 6, 10}, 'l', ""};
  problem["events_bin"] = {{10}, {1, 2, 4, 0, 2, 3, 0, 1, 3, 4}, 'i', ""};
  problem["events_count"] = {{10}, {1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, 'd', ""};
  return problem;
}

TEST_F(SourceTest, AnEventListIsTheSameAsDenseCounts) {
  const auto want = (*open(test::loose_problem()))->counts();
  const auto source = open(as_events(test::loose_problem()));
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

/// What is wrong, the error's reason and the object it names; where it is found on reading values,
/// not on opening, what is to be read.
struct Spoilt {
  const char* name;
  std::function<void(LooseProblem&)> spoil;
  const char* reason;
  const char* object;
};

absl::Status first_error(const absl::StatusOr<std::unique_ptr<Source>>& source) {
  if (!source.ok()) return source.status();
  const Source& s = **source;
  absl::Status status = s.counts().status();
  status.Update(s.attitude().status());
  status.Update(s.background(s.header().backgrounds).status());
  std::vector<double> rows(static_cast<std::size_t>(s.header().response_rows * s.header().bins));
  status.Update((*s.response())->next(rows, {}));
  return status;
}

class SpoiltProblemTest : public SourceTest, public testing::WithParamInterface<Spoilt> {};

TEST_P(SpoiltProblemTest, IsRefusedByName) {
  LooseProblem problem = test::loose_problem();
  GetParam().spoil(problem);
  const absl::Status status = first_error(open(problem));
  EXPECT_EQ(reason_of(status), GetParam().reason) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("data:day.h5"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam().object));
}

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
INSTANTIATE_TEST_SUITE_P(
    Problems, SpoiltProblemTest,
    testing::Values(
        Spoilt{"NegativeCounts", [](auto& p) { p["counts"].values[7] = -1; }, "BAD_VALUE",
               "in/counts: element [1, 2] is -1"},
        Spoilt{"BrokenCounts",
               [](auto& p) {
                 p["counts"].type = 'd';
                 p["counts"].values[7] = 1.5;
               },
               "BAD_VALUE", "in/counts: element [1, 2] is 1.5"},
        Spoilt{"NanCounts",
               [](auto& p) {
                 p["counts"].type = 'd';
                 p["counts"].values[0] = kNan;
               },
               "BAD_VALUE", "in/counts"},
        Spoilt{"NegativeBackground", [](auto& p) { p["background_live"].values[3] = -0.5; },
               "BAD_VALUE", "in/background_live: element [0, 3] is -0.5"},
        Spoilt{"NanBackground", [](auto& p) { p["background_dc1"].values[3] = kNan; }, "BAD_VALUE",
               "in/background_dc1"},
        Spoilt{"ShortBackground",
               [](auto& p) {
                 p["background_live"].shape = {3, 4};
                 p["background_live"].values.resize(12);
               },
               "WRONG_SHAPE", "in/background_live: its shape is [3, 4], not [T, D] = [3, 5]"},
        Spoilt{"NegativeResponse", [](auto& p) { p["instrument_response_cm2"].values[9] = -1e-9; },
               "BAD_VALUE", "in/instrument_response_cm2"},
        Spoilt{"OtherBins",
               [](auto& p) {
                 p["instrument_response_cm2"].shape = {60, 6};
               },
               "WRONG_SHAPE", "in/instrument_response_cm2"},
        Spoilt{"NoResponse", [](auto& p) { p.datasets.erase("instrument_response_cm2"); },
               "MISSING_OBJECT", "in"},
        Spoilt{"NoCounts", [](auto& p) { p.datasets.erase("counts"); }, "MISSING_OBJECT", "in"},
        Spoilt{"NoTimes", [](auto& p) { p.datasets.erase("dt"); }, "MISSING_OBJECT", "in/dt"},
        Spoilt{"NegativeTime", [](auto& p) { p["dt"].values[2] = -1; }, "BAD_VALUE", "in/dt"},
        Spoilt{"TimeBinOutside", [](auto& p) { p["time_bin"].values[5] = 3; }, "BAD_VALUE",
               "in/time_bin: element [5] is 3"},
        Spoilt{"LookupOutside", [](auto& p) { p["lookup_k"].values[73] = 72; }, "BAD_VALUE",
               "in/lookup_k: element [1, 1] is 72"},
        Spoilt{"LookupOfReals", [](auto& p) { p["lookup_k"].type = 'd'; }, "WRONG_TYPE",
               "in/lookup_k"},
        Spoilt{"LookupOfOtherSky",
               [](auto& p) {
                 p["lookup_k"].shape = {6, 71};
                 p["lookup_k"].values.resize(6 * 71);
               },
               "WRONG_SHAPE", "in/lookup_k"},
        Spoilt{"NoSolidAngle", [](auto& p) { p["dOmega"].values[3] = 0; }, "BAD_VALUE",
               "in/dOmega: element [3] is 0"},
        Spoilt{"OtherCentres", [](auto& p) { p["l_deg"].values[3] += 1; }, "BAD_VALUE", "in/l_deg"},
        Spoilt{"OtherUnit", [](auto& p) { p["dt"].unit = "ms"; }, "WRONG_UNIT", "in/dt"},
        Spoilt{"UnitOfResponse", [](auto& p) { p["instrument_response_cm2"].unit = "m2"; },
               "WRONG_UNIT", "in/instrument_response_cm2"},
        Spoilt{"NoGrid", [](auto& p) { p.attributes.erase("nl"); }, "BAD_VALUE", "in"},
        Spoilt{"OddNside", [](auto& p) { p.attributes["nside"] = std::int64_t{3}; }, "BAD_VALUE",
               "nside is 3"},
        Spoilt{"EventsUnsorted",
               [](auto& p) {
                 p = as_events(p);
                 p["events_bin"].values[1] = 1;
               },
               "BAD_VALUE", "in/events_bin: element [1] is 1"},
        Spoilt{"EventsOutside",
               [](auto& p) {
                 p = as_events(p);
                 p["events_bin"].values[9] = 5;
               },
               "BAD_VALUE", "in/events_bin"},
        Spoilt{"EventsOfZero",
               [](auto& p) {
                 p = as_events(p);
                 p["events_count"].values[4] = 0;
               },
               "BAD_VALUE", "in/events_count"},
        Spoilt{"EventsLost",
               [](auto& p) {
                 p = as_events(p);
                 p["events_begin"].values[3] = 9;
               },
               "BAD_VALUE", "in/events_begin"},
        Spoilt{"GroupOutside", [](auto& p) { p["group"].values[0] = 3; }, "BAD_VALUE", "in/group"}),
    [](const auto& spoilt) { return spoilt.param.name; });

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

class SharedCaseTest : public testing::TestWithParam<const char*> {};

TEST_P(SharedCaseTest, IsRead) {
  const auto path = test::shared_file(std::string("data/imaging/") + GetParam());
  if (path.empty()) GTEST_SKIP() << "shared data absent";
  const auto source = open_source({.data = {path.string(), GetParam()}}, {});
  ASSERT_TRUE(source.ok()) << source.status();
  const absl::Status status = first_error(source);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE((*source)->truth().ok());
}
INSTANTIATE_TEST_SUITE_P(Cases, SharedCaseTest,
                         testing::Values("01_tiny_basic.h5", "04_two_near_sources.h5",
                                         "07_six_background_groups.h5", "08_precision_dense_R.h5",
                                         "09_newton_fit_only.h5", "10_all_zero_counts.h5"));

}  // namespace
}  // namespace unfold::imaging_data
