// From COSI's own raw files to a map: MEGAlib's events of a 511 keV point source at galactic
// (l, b) = (-10, -10), the aspect of the 2016 balloon flight and the Ling background template. The
// response is synthetic: the real ResponseGrid files are not public.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>

#include "common/formats/imaging/raw_source.h"
#include "common/simulate/compton_response.h"
#include "common/sky/grid.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"
#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/reconstruction.h"
#include "workers/kernels/imaging/responses.h"

namespace unfold {
namespace {

using imaging_data::NamedFile;

constexpr char kFolder[] = "data/imaging/real/";
constexpr char kEvents[] =
    "SRC9det_PS511keV_l-010_b-010_simOP_160628_FullDay_CE0000-1000keV_EHCstandard.tra.gz";

NamedFile shared(const std::string& name) {
  const std::string path = test::shared_file(kFolder + name);
  return {path, name};
}

// A ResponseGrid of DC1's shape, with a Compton cone for scatter angles up to 60 degrees.
bool write_response(const test::ScratchFolder& folder) {
  simulate::DataSpace space = simulate::data_space(6);
  space.kept.resize(static_cast<std::size_t>(10 * space.fisbel_bins));
  std::iota(space.kept.begin(), space.kept.end(), 0);
  const std::vector<float> rows = simulate::cone_response({}, space, {.step_deg = 6});
  std::ofstream(folder / "rows", std::ios::binary)
      .write(reinterpret_cast<const char*>(rows.data()),
             static_cast<std::streamsize>(rows.size() * sizeof(float)));
  const std::string script =
      "import numpy as np, sys; "
      "grid = np.zeros((30, 60, 30, 1145), 'f4'); "
      "grid[:, :, :10] = np.fromfile(sys.argv[1], 'f4').reshape(30, 60, 10, 1145); "
      "np.savez(sys.argv[2], ResponseGrid=grid)";
  const std::string command = "/usr/bin/python3 -c \"" + script + "\" '" +
                              (folder / "rows").string() + "' '" +
                              (folder / "response.npz").string() + "'";
  return std::system(command.c_str()) == 0;
}

class RealEvents : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::make_unique<test::ScratchFolder>();
    made_ = !shared(kEvents).path.empty() && write_response(*folder_);
  }
  static void TearDownTestSuite() { folder_.reset(); }
  void SetUp() override {
    if (!made_) GTEST_SKIP() << "shared data or python3-numpy absent";
  }

  /// The pixel of the brightest point of the map.
  static std::int64_t brightest(imaging::Algorithm algorithm, int iterations, bool orientations);

  static std::unique_ptr<test::ScratchFolder> folder_;
  static bool made_;
};
std::unique_ptr<test::ScratchFolder> RealEvents::folder_;
bool RealEvents::made_ = false;

imaging::Background background_at(const imaging_data::Source& source,
                                  const imaging::Events& events) {
  const auto data = source.background({source.header().default_background});
  imaging::Background out;
  out.components = 1;
  out.groups = data->groups;
  out.group = data->group;
  const imaging_data::BackgroundTemplate& one = data->components[0];
  for (std::int64_t t = 0; t < source.header().times; ++t) {
    for (auto n = events.begin[static_cast<std::size_t>(t)];
         n < events.begin[static_cast<std::size_t>(t) + 1]; ++n) {
      out.at_events.push_back(one.at(t, events.bin[static_cast<std::size_t>(n)]));
    }
  }
  out.sum = one.sums();
  return out;
}

std::unique_ptr<imaging::Operator> operator_of(const imaging_data::Source& source,
                                               compute::Cpu& cpu) {
  const imaging_data::Header& header = source.header();
  auto rows = source.response();
  EXPECT_TRUE(rows.ok()) << rows.status();
  imaging::FactoredResponseBuilder builder(header.response_rows, header.bins,
                                           imaging::Storage::kFp32);
  std::vector<double> all(static_cast<std::size_t>(header.response_rows * header.bins));
  EXPECT_TRUE((*rows)->next(all, {}).ok());
  builder.append(all);
  auto attitude = *source.attitude();
  imaging::AttitudeTable table{.times = header.times,
                               .pointings = header.pointings,
                               .pixels = header.sky.pixels(),
                               .neighbours = attitude.lookup.neighbours,
                               .lookup = std::move(attitude.lookup.direction),
                               .weight = std::move(attitude.lookup.weight),
                               .live_time = std::move(attitude.live_time),
                               .time_bin = std::move(attitude.time_bin)};
  return imaging::make_factored_operator(
      builder.finish(), imaging::make_attitude(std::move(table), header.response_rows),
      header.sky.solid_angle, cpu);
}

std::int64_t RealEvents::brightest(imaging::Algorithm algorithm, int iterations,
                                   bool orientations) {
  imaging_data::SourceFiles files{.data = shared(kEvents)};
  files.response = {*folder_ / "response.npz", "response.npz"};
  files.background = shared("LingModel_bg_all_v1_fine_6deg.npz");
  if (orientations) files.attitude = shared("OP_160628_FullDay.ori");
  const auto source = imaging_data::open_source(files, {});
  EXPECT_TRUE(source.ok()) << source.status();
  if (!source.ok()) return -1;

  imaging_data::Counts counts = *(*source)->counts();
  const imaging::Events events{.begin = {counts.begin.begin(), counts.begin.end()},
                               .bin = counts.bin};
  const imaging::Background background = background_at(**source, events);
  compute::Cpu cpu;
  const auto response = operator_of(**source, cpu);
  const sky::Grid& grid = (*source)->header().sky;
  std::vector<double> exposure(static_cast<std::size_t>(grid.pixels()));
  response->sensitivity({}, exposure);
  const imaging::SkyGeometry sky{.solid_angle = grid.solid_angle,
                                 .direction = sky::directions(grid),
                                 .neighbours = sky::neighbours(grid)};
  compute::SoloCommunicator solo;
  const imaging::Problem problem{*response, events, background, counts.value, exposure, sky, solo};
  const auto image = imaging::make_reconstruction(problem, {.algorithm = algorithm});
  for (int i = 0; i < iterations; ++i) image->step();
  const std::vector<double>& map = image->estimate().image;
  return std::max_element(map.begin(), map.end()) - map.begin();
}

// 192 counts carry few iterations: from about twenty of EM on, noise splits the source between its
// pixel and the neighbours, as no stop rule is at work here.
TEST_F(RealEvents, ShowTheSourceWhereItIs) {
  const std::int64_t source = sky::pixel_of(sky::regular_grid(6), -10, -10);
  EXPECT_EQ(brightest(imaging::Algorithm::kEm, 10, true), source);
  EXPECT_EQ(brightest(imaging::Algorithm::kOsem, 2, true), source);
}

TEST_F(RealEvents, ShowTheSourceByTheirOwnAspects) {
  const std::int64_t source = sky::pixel_of(sky::regular_grid(6), -10, -10);
  EXPECT_EQ(brightest(imaging::Algorithm::kEm, 10, false), source);
}

}  // namespace
}  // namespace unfold
