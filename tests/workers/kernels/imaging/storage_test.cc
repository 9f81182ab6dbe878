#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/made_imaging.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::test {
namespace {

using imaging::Storage;

/// Fifty EM steps of image and background amplitude: where storage errors would add up.
std::vector<double> em_map(const ImagingFixture& problem, std::span<const double> counts,
                           double background_sum) {
  const imaging::Operator& op = problem.response();
  const auto pixels = at(op.shape().pixels);
  std::vector<double> exposure(pixels), image(pixels, 1e-3), amplitude(1, 1.0);
  op.sensitivity({}, exposure);
  for (std::size_t p = 0; p < pixels; ++p) image[p] = exposure[p] > 0 ? image[p] : 0;
  for (int i = 0; i < 50; ++i) {
    const auto pass = op.pass(problem.events(), problem.background(),
                              {.counts = counts, .image = image, .amplitude = amplitude});
    for (std::size_t p = 0; p < pixels; ++p) {
      if (exposure[p] > 0) image[p] *= pass.back[p] / exposure[p];
    }
    amplitude[0] *= pass.amplitude_back[0] / background_sum;
  }
  return image;
}

std::unique_ptr<imaging::Operator> factored(const ImagingData& data, Storage storage,
                                            std::span<const double> scale, compute::Cpu& cpu) {
  imaging::FactoredResponseBuilder builder(data.directions(), data.bins, storage);
  builder.append(data.instrument, scale);
  return make_factored_operator(builder.finish(), make_attitude(data.attitude, data.directions()),
                                data.solid_angle, cpu);
}

double worst_difference(std::span<const double> a, std::span<const double> b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst / *std::max_element(a.begin(), a.end());
}

class StoredMaps : public ::testing::Test {
 protected:
  std::vector<double> map(Storage storage, std::span<const double> scale = {}) {
    ImagingFixture fixture(data_, factored(data_, storage, scale, cpu_));
    double sum = 0;
    for (const double b : fixture.background().sum) sum += b;
    return em_map(fixture, fixture.counts(), sum);
  }
  compute::Cpu cpu_{2};
  ImagingData data_ = made_imaging({.times = 48, .source_counts = 30000});
};

TEST_F(StoredMaps, InFp16AreThoseOfFp64) {
  const std::vector<double> wanted = map(Storage::kFp64);
  EXPECT_LT(worst_difference(wanted, map(Storage::kFp16)), 5e-5);
  EXPECT_LT(worst_difference(wanted, map(Storage::kFp32)), 5e-7);
}

TEST_F(StoredMaps, InFp16AreFarBelowTheirStandardError) {
  const imaging::Settings settings{
      .algorithm = {.algorithm = imaging::Algorithm::kEm},
      .stop = {.stop = imaging::Stop::kIterations, .iterations = 50},
      .bootstrap = {.replicates = 16, .stop = imaging::BootstrapStop::kFixed},
      .regions = {},
      .save_iterations = {}};
  ImagingFixture exact(data_, factored(data_, Storage::kFp64, {}, cpu_));
  ImagingFixture halves(data_, factored(data_, Storage::kFp16, {}, cpu_));
  const imaging::Result wanted = reconstruct(exact.problem(), settings, {});
  imaging::Settings fit = settings;
  fit.bootstrap = {};
  const imaging::Result got = reconstruct(halves.problem(), fit, {});
  int judged = 0;
  for (std::size_t p = 0; p < wanted.standard_error.size(); ++p) {
    if (std::isnan(wanted.standard_error[p])) continue;
    ++judged;
    EXPECT_LT(std::abs(got.estimate.image[p] - wanted.estimate.image[p]),
              0.05 * wanted.standard_error[p])
        << p;
  }
  EXPECT_GT(judged, 10);
}

TEST_F(StoredMaps, OfIntegersAreThoseOfTheirProductsInFp64) {
  std::vector<double> scale, counts;
  for (Index k = 0; k < data_.directions(); ++k) {
    const auto row = std::span(data_.instrument).subspan(at(k * data_.bins), at(data_.bins));
    const double unit = std::max(1e-9, *std::max_element(row.begin(), row.end()) / 997);
    scale.push_back(unit);
    for (double& x : row) {
      counts.push_back(std::round(x / unit));
      x = counts.back() * unit;
    }
  }
  const std::vector<double> wanted = map(Storage::kFp64);
  data_.instrument = counts;
  EXPECT_LT(worst_difference(wanted, map(Storage::kInteger, scale)), 5e-7);
}

}  // namespace
}  // namespace unfold::test
