#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/support/cuda_modules.h"
#include "tests/support/made_frames.h"
#include "tests/workers/kernels/spi/merge_case.h"
#include "tests/workers/kernels/spi/phasing_problem.h"
#include "workers/cuda/fourier_devices.h"
#include "workers/cuda/outcome.h"
#include "workers/kernels/spi/run.h"

// Merging and phasing through a loadable module.
namespace unfold::test {
namespace {

template <class Module>
class Fourier : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
  }
  static unsigned long long free_bytes() {
    const cuda::Gpu gpu = Module::gpu();
    cuda::DeviceInfo info;
    cuda::require(gpu.module->describe(gpu.ordinal, &info));
    return info.free_bytes;
  }
};
using Modules = ::testing::Types<EmulatedGpu, RealGpu>;
TYPED_TEST_SUITE(Fourier, Modules);

TYPED_TEST(Fourier, MergesAsTheCpuDoes) {
  MergeCase problem;
  const auto device = cuda::make_fourier_device(TypeParam::gpu())->merging(MergeCase::kGrid);
  const auto options = MergeCase::options(1e-11);
  const std::vector<double> x0 = made_autocorrelation(MergeCase::kGrid, 9);
  const auto want = problem.solve(nullptr, options, x0);
  const auto got = problem.solve(device.get(), options, x0);
  for (std::size_t n = 0; n < x0.size(); ++n) {
    ASSERT_NEAR(got.autocorrelation[n], want.autocorrelation[n], kMergeTolerance);
  }
  EXPECT_LE(got.residual, options.tolerance);
}

TYPED_TEST(Fourier, PhasesToTheCpusLimit) {
  const phasing::Object object;
  const auto device = cuda::make_fourier_device(TypeParam::gpu())->phasing();
  double best = 0;
  for (const auto& result :
       object.phase(phasing::Object::fresh(4), phasing::sharp(), {}, 1, device.get())) {
    best = std::max(best, object.correlation(result.density));
  }
  EXPECT_GE(best, 0.98);
}

TYPED_TEST(Fourier, TakesARunThroughItsGenerationsAsTheCpuDoes) {
  const auto made = make_frames({.frames = 80, .edge = 12, .photons = 400});
  const auto device = cuda::make_fourier_device(TypeParam::gpu());
  compute::Cpu cpu(1);
  compute::SoloCommunicator solo;
  spi::RunOptions options;
  options.grid = 17;
  options.seed = 3;
  options.max_generations = 3;
  spi::Run here(cpu, made.frames, made.detector, options, solo);
  options.fourier_device = device.get();
  spi::Run there(cpu, made.frames, made.detector, options, solo);
  here.step();
  there.step();
  // Before rounding can choose another way: the first merge, and how well it phases.
  const auto& want = here.estimate().autocorrelation[0];
  const auto& got = there.estimate().autocorrelation[0];
  const double largest = *std::max_element(want.begin(), want.end());
  for (std::size_t n = 0; n < want.size(); ++n) ASSERT_NEAR(got[n], want[n], 1e-3 * largest);
  EXPECT_NEAR(there.history()[0].fourier_error, here.history()[0].fourier_error, 0.02);
  while (!there.finished()) there.step();
  EXPECT_GT(there.history().back().gain, 0);
}

TYPED_TEST(Fourier, GivesBackEveryByte) {
  MergeCase problem;
  spi::PhaseSchedule brief = phasing::sharp();
  brief.loops = brief.er = 1;
  const phasing::Object object;
  const auto use = [&] {
    const auto merge = cuda::make_fourier_device(TypeParam::gpu())->merging(MergeCase::kGrid);
    auto options = MergeCase::options(1e-3);
    options.max_iterations = 2;
    problem.solve(merge.get(), options);
    const auto phases = cuda::make_fourier_device(TypeParam::gpu())->phasing();
    object.phase(phasing::Object::fresh(1), brief, {}, 1, phases.get());
  };
  use();  // what a driver keeps for itself
  const auto before = this->free_bytes();
  for (int i = 0; i < 1000; ++i) {
    const auto merge = cuda::make_fourier_device(TypeParam::gpu())->merging(MergeCase::kGrid);
    if (i % 50 == 0) use();
  }
  EXPECT_EQ(this->free_bytes(), before);
}

TYPED_TEST(Fourier, WhatAskingThrowsPassesThrough) {
  const phasing::Object object;
  const auto device = cuda::make_fourier_device(TypeParam::gpu())->phasing();
  compute::Cpu cpu(1);
  const auto stops = []() -> bool { throw std::domain_error("enough"); };
  EXPECT_THROW(spi::phase(cpu, phasing::kGrid, object.autocorrelation, {},
                          phasing::Object::fresh(1), phasing::sharp(), stops, device.get()),
               std::domain_error);
}

}  // namespace
}  // namespace unfold::test
