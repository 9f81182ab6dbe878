#include "common/compare/density_diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "tests/support/scratch_folder.h"

namespace unfold::compare {
namespace {

using spi_data::DensityFile;
using testing::ElementsAre;
using testing::HasSubstr;

DensityFile some_density() {
  DensityFile file;
  file.grid = 5;
  file.qmax = 0.1;
  file.maps.resize(1);
  file.maps[0].density.assign(125, 1);
  file.maps[0].density[62] = 100;
  file.maps[0].fsc = {1, 0.5, 0.1};
  file.maps[0].resolution = std::numeric_limits<double>::infinity();
  file.frame = {0, 1};
  file.orientations = {{1, 0, 0, 0}, {0.6, 0, 0.8, 0}};
  file.fluences = {0.9, 1.1};
  file.history.part = {"half 1"};
  file.history.stage = {"coarse"};
  file.history.numbers = {{"beta", {0.1}}, {"seconds_match", {3}}};
  file.verdict = "failed";
  file.attributes["seed"] = std::int64_t{1};
  return file;
}

const ProductQuantity& of(const ProductDifference& difference, const std::string& name) {
  for (const ProductQuantity& q : difference.quantities)
    if (q.name == name) return q;
  throw std::runtime_error("no dataset " + name);
}

TEST(DiffDensitiesTest, ADensityIsTheSameAsItself) {
  const ProductDifference difference = diff_densities(some_density(), some_density(), 0);
  EXPECT_TRUE(difference.same) << to_text(difference);
  EXPECT_EQ(of(difference, "density").compared, 125);
  EXPECT_EQ(of(difference, "resolution_A").largest, 0) << "both have none";
}

TEST(DiffDensitiesTest, AVoxelThatDiffersIsNamed) {
  DensityFile b = some_density();
  b.maps[0].density[7] += 1e-2;
  const ProductDifference difference = diff_densities(some_density(), b, 1e-6);
  EXPECT_FALSE(difference.same);
  EXPECT_NEAR(of(difference, "density").largest, 1e-4, 1e-12);
  EXPECT_EQ(of(difference, "density").index, 7);
  EXPECT_TRUE(of(difference, "fsc").within);
  EXPECT_TRUE(diff_densities(some_density(), b, 1.001e-4).same);
}

TEST(DiffDensitiesTest, AQuaternionsSignAndSecondsDoNotCount) {
  DensityFile b = some_density();
  for (double& part : b.orientations[1]) part = -part;
  b.history.numbers["seconds_match"] = {7};
  b.attributes["job"] = std::string("another");
  EXPECT_TRUE(diff_densities(some_density(), b, 0).same);
  b.orientations[1] = {0.8, 0, 0.6, 0};
  EXPECT_FALSE(diff_densities(some_density(), b, 1e-3).same);
}

TEST(DiffDensitiesTest, VerdictsConformationsAndParametersCount) {
  DensityFile b = some_density();
  b.verdict = "converged";
  b.maps.push_back(b.maps[0]);
  b.attributes["seed"] = std::int64_t{2};
  const ProductDifference difference = diff_densities(some_density(), b, 1);
  EXPECT_THAT(difference.layout,
              testing::IsSupersetOf({"conformations: 1 / 2", "verdict: failed / converged",
                                     "conformation_1/density: absent / present"}));
  EXPECT_THAT(difference.parameters, ElementsAre("seed: 1 / 2"));
  EXPECT_FALSE(difference.same);
}

TEST(DiffDensitiesTest, FilesAreReadAndNamed) {
  const test::ScratchFolder folder;
  const std::string a = (folder / "a.h5").string();
  ASSERT_TRUE(spi_data::write_density(a, some_density()).ok());
  const auto same = diff_densities(a, a, 0);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_TRUE(same->same) << to_text(*same);
  const absl::Status status = diff_densities(a, (folder / "none.h5").string(), 0).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("none.h5"));
}

}  // namespace
}  // namespace unfold::compare
