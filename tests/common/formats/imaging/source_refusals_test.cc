#include <gmock/gmock.h>

#include <functional>
#include <limits>

#include "common/base/error.h"
#include "tests/common/formats/imaging/source_fixture.h"
#include "tests/support/shared_data.h"

namespace unfold::imaging_data {
namespace {

using test::LooseProblem;
using testing::HasSubstr;

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
                 p = test::as_events(p);
                 p["events_bin"].values[1] = 1;
               },
               "BAD_VALUE", "in/events_bin: element [1] is 1"},
        Spoilt{"EventsOutside",
               [](auto& p) {
                 p = test::as_events(p);
                 p["events_bin"].values[9] = 5;
               },
               "BAD_VALUE", "in/events_bin"},
        Spoilt{"EventsOfZero",
               [](auto& p) {
                 p = test::as_events(p);
                 p["events_count"].values[4] = 0;
               },
               "BAD_VALUE", "in/events_count"},
        Spoilt{"EventsLost",
               [](auto& p) {
                 p = test::as_events(p);
                 p["events_begin"].values[3] = 9;
               },
               "BAD_VALUE", "in/events_begin"},
        Spoilt{"GroupOutside", [](auto& p) { p["group"].values[0] = 3; }, "BAD_VALUE", "in/group"}),
    [](const auto& spoilt) { return spoilt.param.name; });

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
