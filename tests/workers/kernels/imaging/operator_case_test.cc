#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/imaging_case.h"
#include "tests/support/shared_data.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/accuracy.h"

namespace unfold::test {
namespace {

using imaging::Storage;

void expect_close(const std::vector<double>& is, const std::vector<double>& wanted,
                  double relative) {
  ASSERT_EQ(is.size(), wanted.size());
  double largest = 0, worst = 0;
  for (const double x : wanted) largest = std::max(largest, std::abs(x));
  for (std::size_t i = 0; i < is.size(); ++i) worst = std::max(worst, std::abs(is[i] - wanted[i]));
  EXPECT_LE(worst, relative * largest);
}

std::unique_ptr<imaging::Operator> factored(const ImagingData& data, Storage storage,
                                            compute::Cpu& cpu) {
  imaging::FactoredResponseBuilder builder(data.directions(), data.bins, storage);
  builder.append(data.instrument);
  return make_factored_operator(builder.finish(), make_attitude(data.attitude, data.directions()),
                                data.solid_angle, cpu);
}

class OperatorCase : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    path_ = shared_file(std::string("data/imaging/") + GetParam() + ".h5").string();
    if (path_.empty()) GTEST_SKIP() << "no shared data";
  }
  std::string path_;
  compute::Cpu cpu_{2};
};

TEST_P(OperatorCase, TheFactoredOperatorReproducesTheProbes) {
  const Hdf5Numbers file(path_);
  const ImagingData data = read_imaging_case(file, "background_live");
  const auto [times, pixels, bins] = data.shape();
  for (const Storage storage : {Storage::kFp64, Storage::kFp32, Storage::kFp16}) {
    const double error = storage == Storage::kFp64 ? 1e-12
                                                   : imaging::arithmetic_error(storage) +
                                                         imaging::rounding_error(storage);
    const auto op = factored(data, storage, cpu_);
    std::vector<double> exposure(at(pixels)), forward(at(times * bins)), back(at(pixels));
    op->sensitivity({}, exposure);
    expect_close(exposure, file.doubles("in/exposure"), error);
    if (!file.has("out/probe_x")) continue;
    op->forward(file.doubles("out/probe_x"), forward);
    op->back(file.doubles("out/probe_q"), back);
    expect_close(forward, file.doubles("out/probe_fwd"), error);
    expect_close(back, file.doubles("out/probe_bwd"), 4 * error);  // data of both signs
  }
}

INSTANTIATE_TEST_SUITE_P(Shared, OperatorCase,
                         ::testing::Values("01_tiny_basic", "04_two_near_sources",
                                           "07_six_background_groups", "08_precision_dense_R",
                                           "10_all_zero_counts"),
                         [](const auto& param) { return std::string(param.param); });

TEST(OperatorCases, FactoredAndDenseAreTheSameOperator) {
  const std::string path = shared_file("data/imaging/08_precision_dense_R.h5").string();
  if (path.empty()) GTEST_SKIP() << "no shared data";
  const ImagingData data = read_imaging_case(Hdf5Numbers(path), "background_live");
  ImagingFixture fixture(data);
  compute::Cpu cpu(2);
  for (const Storage storage : {Storage::kFp64, Storage::kFp32, Storage::kFp16}) {
    imaging::DenseResponseBuilder builder(data.shape(), storage);
    builder.append(data.dense);
    const auto dense = make_dense_operator(builder.finish(), cpu);
    const auto by_lookup = factored(data, storage, cpu);
    const std::vector<double> image(data.solid_angle.size(), 1e-3);
    const std::vector<double> amplitude(1, 0.9);
    const imaging::Pass pass{.counts = fixture.counts(), .image = image, .amplitude = amplitude};
    const auto a = dense->pass(fixture.events(), fixture.background(), pass);
    const auto b = by_lookup->pass(fixture.events(), fixture.background(), pass);
    const double error =
        10 * imaging::arithmetic_error(storage) + 2 * imaging::rounding_error(storage);
    expect_close(a.back, b.back, error);
    expect_close(a.amplitude_back, b.amplitude_back, error);
    EXPECT_NEAR(a.log_model[0], b.log_model[0], error * std::abs(b.log_model[0]));
  }
}

}  // namespace
}  // namespace unfold::test
