#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/support/cuda_modules.h"
#include "tests/workers/kernels/spi/merge_case.h"
#include "tests/workers/kernels/spi/phasing_problem.h"
#include "workers/cuda/fourier_devices.h"
#include "workers/cuda/outcome.h"

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
  const auto device = cuda::make_merge_device(TypeParam::gpu(), MergeCase::kGrid);
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
  const auto device = cuda::make_phase_device(TypeParam::gpu());
  double best = 0;
  for (const auto& result :
       object.phase(phasing::Object::fresh(4), phasing::sharp(), {}, 1, device.get())) {
    best = std::max(best, object.correlation(result.density));
  }
  EXPECT_GE(best, 0.98);
}

TYPED_TEST(Fourier, GivesBackEveryByte) {
  MergeCase problem;
  spi::PhaseSchedule brief = phasing::sharp();
  brief.loops = brief.er = 1;
  const phasing::Object object;
  const auto use = [&] {
    const auto merge = cuda::make_merge_device(TypeParam::gpu(), MergeCase::kGrid);
    auto options = MergeCase::options(1e-3);
    options.max_iterations = 2;
    problem.solve(merge.get(), options);
    const auto phases = cuda::make_phase_device(TypeParam::gpu());
    object.phase(phasing::Object::fresh(1), brief, {}, 1, phases.get());
  };
  use();  // what a driver keeps for itself
  const auto before = this->free_bytes();
  for (int i = 0; i < 20; ++i) use();
  EXPECT_EQ(this->free_bytes(), before);
}

TYPED_TEST(Fourier, WhatAskingThrowsPassesThrough) {
  const phasing::Object object;
  const auto device = cuda::make_phase_device(TypeParam::gpu());
  compute::Cpu cpu(1);
  const auto stops = []() -> bool { throw std::domain_error("enough"); };
  EXPECT_THROW(spi::phase(cpu, phasing::kGrid, object.autocorrelation, {},
                          phasing::Object::fresh(1), phasing::sharp(), stops, device.get()),
               std::domain_error);
}

}  // namespace
}  // namespace unfold::test
