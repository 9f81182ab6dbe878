#pragma once

#include <cmath>

#include "tests/support/on_device.h"
#include "tests/workers/kernels/spi/merge_case.h"
#include "workers/kernels/spi/device/device_merge.h"
#include "workers/kernels/spi/toeplitz.h"

// Merging with its transforms and conjugate gradients on any device, against the Cpu's.
namespace unfold::test {

template <class D>
class DeviceMerging : public OnDevice<D> {
 protected:
  static void expect_near(const std::vector<double>& got, const std::vector<double>& want,
                          double tolerance) {
    ASSERT_EQ(got.size(), want.size());
    double largest = 0;
    for (const double w : want) largest = std::max(largest, std::abs(w));
    for (std::size_t n = 0; n < want.size(); ++n) {
      ASSERT_NEAR(got[n], want[n], tolerance * largest) << n;
    }
  }
};
TYPED_TEST_SUITE_P(DeviceMerging);

TYPED_TEST_P(DeviceMerging, SolvesWhatTheCpuSolves) {
  MergeCase problem;
  TypeParam device(0);
  spi::DeviceMerge<TypeParam> merge(device, MergeCase::kGrid);
  std::vector<std::uint8_t> support(at(MergeCase::kVoxels), 1);
  for (const Index n : {0, 5, 100}) support[at(n)] = support[at(MergeCase::kVoxels - 1 - n)] = 0;
  const std::vector<double> x0 = made_autocorrelation(MergeCase::kGrid, 9);
  const auto options = MergeCase::options(1e-11);
  const auto want = problem.solve(nullptr, options, x0, support);
  const auto got = problem.solve(&merge, options, x0, support);
  this->expect_near(got.autocorrelation, want.autocorrelation, kMergeTolerance);
  EXPECT_LE(got.residual, 1e-11);
  EXPECT_NEAR(got.iterations, want.iterations, 0.1 * want.iterations);
  for (const Index n : {0, 5, 100}) EXPECT_EQ(got.autocorrelation[at(n)], 0);
  const auto cold = problem.solve(&merge, options);
  this->expect_near(cold.autocorrelation, problem.solve(nullptr, options).autocorrelation,
                    kMergeTolerance);
  EXPECT_GT(cold.iterations, 0);
}

TYPED_TEST_P(DeviceMerging, SumsInFloatWhereTheToleranceAllows) {
  MergeCase problem;
  TypeParam device(0);
  spi::DeviceMerge<TypeParam> merge(device, MergeCase::kGrid);
  auto options = MergeCase::options(1e-5);
  options.ridge = 0.1;  // what keeps errors of the transforms small
  this->expect_near(problem.solve(&merge, options).autocorrelation,
                    problem.solve(nullptr, options).autocorrelation, 1e-3);
}

TYPED_TEST_P(DeviceMerging, PointsThatComeAgainAndOthersGiveTheSameBitsAgain) {
  MergeCase problem, other;
  other.rotations = random_rotations(12, 8);
  other.merged = other.sum();
  TypeParam device(0);
  spi::DeviceMerge<TypeParam> merge(device, MergeCase::kGrid);
  const auto options = MergeCase::options(1e-4);
  const auto first = problem.solve(&merge, options);
  EXPECT_EQ(problem.solve(&merge, options).autocorrelation, first.autocorrelation);
  EXPECT_NE(other.solve(&merge, options).autocorrelation, first.autocorrelation);
  EXPECT_EQ(problem.solve(&merge, options).autocorrelation, first.autocorrelation);
  EXPECT_NE(problem.solve(&merge, MergeCase::options(1e-9)).autocorrelation, first.autocorrelation);
}

TYPED_TEST_P(DeviceMerging, AWarmStartAtTheAnswerTakesNoStep) {
  MergeCase problem;
  TypeParam device(0);
  spi::DeviceMerge<TypeParam> merge(device, MergeCase::kGrid);
  auto options = MergeCase::options(1e-9);
  options.ridge = 0;
  const auto first = problem.solve(&merge, options);
  options.tolerance = 1e-6;
  const auto again = problem.solve(&merge, options, first.autocorrelation);
  EXPECT_EQ(again.iterations, 0);
  EXPECT_EQ(again.autocorrelation, first.autocorrelation);
}

TYPED_TEST_P(DeviceMerging, TheKernelIsTheSumOverLags) {
  TypeParam device(0);
  for (const Index grid : {1, 2, 3, 7, 8}) {
    const Index width = 2 * grid - 1, voxels = grid * grid * grid;
    std::vector<double> lags, x;
    for (Index n = 0; n < width * width * width; ++n)
      lags.push_back(compute::Random(1, 0, static_cast<std::uint64_t>(n)).normal());
    for (std::size_t n = 0; 2 * n < lags.size(); ++n) lags[lags.size() - 1 - n] = lags[n];
    for (Index n = 0; n < voxels; ++n)
      x.push_back(compute::Random(2, 0, static_cast<std::uint64_t>(n)).normal());
    spi::Toeplitz on_host(grid);
    on_host.set(lags);
    std::vector<double> want(x.size());
    on_host.apply(x, want);
    spi::DeviceToeplitz<TypeParam> kernel(device, grid);
    kernel.set(lags);
    auto there = this->on_device(device, x);
    auto out = this->on_device(device, x);
    auto support = this->on_device(device, std::vector<std::uint8_t>(x.size(), 1));
    kernel.apply({0.25, there.view(voxels), support.view(voxels), out.view(voxels)});
    const auto got = this->on_host(out);
    for (std::size_t n = 0; n < x.size(); ++n) ASSERT_NEAR(got[n], want[n] + 0.25 * x[n], 1e-11);
  }
}

REGISTER_TYPED_TEST_SUITE_P(DeviceMerging, SolvesWhatTheCpuSolves,
                            SumsInFloatWhereTheToleranceAllows,
                            PointsThatComeAgainAndOthersGiveTheSameBitsAgain,
                            AWarmStartAtTheAnswerTakesNoStep, TheKernelIsTheSumOverLags);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceMerging
