#include "common/render/draw_map.h"

#include <gtest/gtest.h>

#include <limits>

#include "common/base/error.h"
#include "common/render/plot.h"
#include "common/render/view.h"
#include "tests/common/render/png_file.h"
#include "tests/support/scratch_folder.h"

namespace unfold::render {
namespace {

std::tuple<int, int, int> seen(Colour c) { return {c.red, c.green, c.blue}; }

imaging_data::MapProduct some_map(const sky::Grid& grid) {
  imaging_data::MapProduct map;
  map.sky = grid;
  map.map.assign(grid.l_deg.size(), 1e-4);
  map.map[static_cast<std::size_t>(sky::pixel_of(grid, 10, 20))] = 2e-3;
  map.exposure.assign(grid.l_deg.size(), 5e5);
  for (int i = 1; i <= 20; ++i) {
    map.log_likelihood.push_back(-1e5 - 1000. / i);
    map.background_amplitude.push_back(0.8 + 0.1 / i);
  }
  map.amplitudes = 1;
  return map;
}

class DrawMapTest : public testing::Test {
 protected:
  PngFile drawn(const imaging_data::MapProduct& map) {
    ViewOptions options;
    options.width = 1000;
    EXPECT_TRUE(draw_map(map, options).write_png((folder_ / "map.png").string()).ok());
    return read_png((folder_ / "map.png").string());
  }
  const test::ScratchFolder folder_;
};

TEST_F(DrawMapTest, EveryPartThatTheMapHasIsDrawn) {
  imaging_data::MapProduct map = some_map(sky::regular_grid(6));
  const PngFile plain = drawn(map);
  EXPECT_EQ(plain.width, 1000);
  EXPECT_EQ(plain.count(seen(kOrange)), 0);
  map.regions = {{"here", 10, 20, 15, 0.01, 0.001, 20}};
  EXPECT_GT(drawn(map).count(seen(kOrange)), 300);
  // Errors stand beside the exposure, which gets smaller for it.
  map.standard_error.assign(map.map.size(), 1e-5);
  map.standard_error[5] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_LT(drawn(map).height, plain.height);
  map.log_likelihood.clear();
  map.background_amplitude.clear();
  map.exposure.clear();
  map.standard_error.clear();
  EXPECT_LT(drawn(map).height, plain.height / 2);
}

TEST_F(DrawMapTest, EnergiesAreSummedAndHealpixIsSampled) {
  imaging_data::MapProduct map = some_map(sky::healpix_grid(4, true));
  const int height = drawn(map).height;
  const std::vector<double> one = map.map;
  map.map.insert(map.map.end(), one.begin(), one.end());
  map.exposure.insert(map.exposure.end(), map.exposure.begin(), map.exposure.begin() + 192);
  map.energies = 2;
  EXPECT_EQ(drawn(map).height, height);
}

TEST_F(DrawMapTest, FlatAndNotFiniteHistoriesDoNoHarm) {
  imaging_data::MapProduct map = some_map(sky::regular_grid(18));
  map.log_likelihood = {-5};
  map.validation = {-7, -7, std::numeric_limits<double>::quiet_NaN()};
  map.background_amplitude.assign(40, 1);
  map.amplitudes = 40;
  EXPECT_GT(drawn(map).height, 0);
}

TEST_F(DrawMapTest, AnHdf5FileOfAnotherKindIsRefused) {
  const std::string path = (folder_ / "map.h5").string();
  ASSERT_TRUE(imaging_data::write_map(path, some_map(sky::regular_grid(18))).ok());
  const absl::StatusOr<Viewed> viewed = view(path, (folder_ / "view.png").string(), {});
  ASSERT_TRUE(viewed.ok()) << viewed.status();
  EXPECT_EQ(viewed->kind, "map");
  EXPECT_EQ(viewed->width, 1400);
  test::write_text(folder_ / "short.h5", test::read_text(path).substr(0, 600));
  EXPECT_FALSE(view((folder_ / "short.h5").string(), (folder_ / "no.png").string(), {}).ok());
}

}  // namespace
}  // namespace unfold::render
