#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/imaging_case.h"
#include "tests/support/shared_data.h"

namespace unfold::test {
namespace {

void expect_close(const std::vector<double>& is, const std::vector<double>& wanted,
                  double relative) {
  ASSERT_EQ(is.size(), wanted.size());
  double largest = 0, worst = 0;
  for (const double x : wanted) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < is.size(); ++i) worst = std::max(worst, std::abs(is[i] - wanted[i]));
  EXPECT_LE(worst, relative * largest);
}

class ImagingCase : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    path_ = shared_file(std::string("data/imaging/") + GetParam() + ".h5").string();
    if (path_.empty()) GTEST_SKIP() << "no shared data";
  }
  std::string path_;
};

TEST_P(ImagingCase, ReferenceOperatorReproducesTheProbes) {
  const Hdf5Numbers file(path_);
  const ImagingData data = read_imaging_case(file, "background_live");
  const auto [times, pixels, bins] = data.shape();
  ImagingFixture fixture(data);
  expect_close(fixture.exposure(), file.doubles("in/exposure"), 1e-12);
  if (!file.has("out/probe_x")) return;
  std::vector<double> forward(at(times * bins)), back(at(pixels));
  fixture.response().forward(file.doubles("out/probe_x"), forward);
  fixture.response().back(file.doubles("out/probe_q"), back);
  expect_close(forward, file.doubles("out/probe_fwd"), 1e-12);
  expect_close(back, file.doubles("out/probe_bwd"), 1e-12);
}

INSTANTIATE_TEST_SUITE_P(Shared, ImagingCase,
                         ::testing::Values("01_tiny_basic", "04_two_near_sources",
                                           "07_six_background_groups", "08_precision_dense_R",
                                           "10_all_zero_counts"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace unfold::test
