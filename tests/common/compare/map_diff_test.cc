#include "common/compare/map_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/common/formats/imaging/maps.h"
#include "tests/support/scratch_folder.h"

namespace unfold::compare {
namespace {

using imaging_data::MapProduct;
using testing::ElementsAre;
using testing::HasSubstr;

MapProduct some_map() { return test::full_map(sky::regular_grid(30), 2); }

const ProductQuantity& of(const ProductDifference& difference, const std::string& name) {
  for (const ProductQuantity& q : difference.quantities) {
    if (q.name == name) return q;
  }
  throw std::runtime_error("no dataset " + name);
}

TEST(DiffMapsTest, AMapIsTheSameAsItself) {
  const ProductDifference difference = diff_maps(some_map(), some_map(), 0);
  EXPECT_TRUE(difference.same) << to_text(difference);
  EXPECT_EQ(of(difference, "map").compared, 144);
  EXPECT_EQ(of(difference, "maps/10").largest, 0);
}

TEST(DiffMapsTest, ADifferenceIsRelativeToTheLargestValue) {
  MapProduct b = some_map();
  b.map[3] += 1071 * 1e-4;  // the largest value is 1071
  const ProductDifference difference = diff_maps(some_map(), b, 1e-6);
  EXPECT_FALSE(difference.same);
  EXPECT_NEAR(of(difference, "map").largest, 1e-4, 1e-10);
  EXPECT_EQ(of(difference, "map").index, 3);
  EXPECT_TRUE(of(difference, "exposure").within);
  EXPECT_TRUE(diff_maps(some_map(), b, 1.001e-4).same);
}

TEST(DiffMapsTest, NanOnOneSideAloneIsInfinitelyFar) {
  MapProduct b = some_map();
  b.standard_error[0] = std::numeric_limits<double>::quiet_NaN();
  const ProductDifference difference = diff_maps(some_map(), b, 1e9);
  EXPECT_TRUE(std::isinf(of(difference, "standard_error").largest));
  EXPECT_FALSE(difference.same);
}

TEST(DiffMapsTest, WhatOneMapLacksIsNamed) {
  MapProduct b = some_map();
  b.maps.erase(10);
  b.standard_error.clear();
  b.log_likelihood.pop_back();
  EXPECT_THAT(diff_maps(some_map(), b, 1).layout,
              ElementsAre("log_likelihood numbers: 3 / 2", "maps/10: present / absent",
                          "standard_error: present / absent"));
  EXPECT_THAT(diff_maps(b, some_map(), 1).layout, testing::Contains("maps/10: absent / present"));
  EXPECT_FALSE(diff_maps(some_map(), b, 1).same);
}

TEST(DiffMapsTest, ParametersCountAndProvenanceDoesNot) {
  MapProduct b = some_map();
  b.attributes["job"] = std::string("another");
  b.attributes["unfold_commit"] = std::string("0ab6");
  b.attributes["data_sha256"] = std::string("ff");
  EXPECT_TRUE(diff_maps(some_map(), b, 0).same);
  b.attributes["iterations"] = std::int64_t{4};
  b.attributes["subsets"] = std::int64_t{8};
  EXPECT_THAT(diff_maps(some_map(), b, 0).parameters,
              ElementsAre("iterations: 3 / 4", "subsets: absent / 8"));
}

TEST(DiffMapsTest, AnotherSkyIsAnotherLayout) {
  const MapProduct ring = test::full_map(sky::healpix_grid(2, false), 1);
  const MapProduct nested = test::full_map(sky::healpix_grid(2, true), 1);
  EXPECT_THAT(diff_maps(ring, nested, 1).layout, ElementsAre("sky: nside 2 RING / nside 2 NESTED"));
}

TEST(DiffMapsTest, FilesAreReadAndNamed) {
  const test::ScratchFolder folder;
  const std::string a = (folder / "a.h5").string();
  ASSERT_TRUE(imaging_data::write_map(a, some_map()).ok());
  const auto same = diff_maps(a, a, 0);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(same->same);
  const absl::Status status = diff_maps(a, (folder / "none.h5").string(), 0).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("none.h5"));
}

TEST(DiffMapsTest, TextNamesThePlaceAndJsonHoldsTheNumbers) {
  MapProduct b = some_map();
  b.map[3] += 1;
  const ProductDifference difference = diff_maps(some_map(), b, 1e-6);
  EXPECT_THAT(to_text(difference), HasSubstr("DIFFERS"));
  const auto json = nlohmann::json::parse(to_json(difference));
  EXPECT_FALSE(json["same"].get<bool>());
  const auto& quantities = json["quantities"];
  const auto map = std::find_if(quantities.begin(), quantities.end(),
                                [](const auto& q) { return q["name"] == "map"; });
  EXPECT_EQ((*map)["index"], 3);
}

}  // namespace
}  // namespace unfold::compare
