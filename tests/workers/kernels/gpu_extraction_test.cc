#include "workers/cuda/gpu_extraction.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

#include "tests/support/cuda_modules.h"
#include "tests/support/extraction_difference.h"

// Extraction through a module, as the worker calls it.
namespace unfold::cuda {
namespace {

template <class Module>
class GpuExtractionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    psf_ = test::make_psf({.n_spec = 10});
    frame_ = test::make_frame(psf_.shape, psf_.traces, {.first = 6040, .step = 0.8, .size = 120}, 0,
                              10, 0.01);
    options_.wavelength = {.first = 6060, .step = 0.8, .size = 60};
    options_.n_spec = 10;
    options_.bundle_size = 5;
    options_.n_subbundles = 1;
    options_.n_wave_step = 25;
  }
  extraction::Spectra run(GpuExtraction& on_gpu, const extraction::Hooks& hooks = {}) {
    const GpuPsf psf(on_gpu.gpu(), psf_.shape);
    compute::Cpu cpu(1);
    return on_gpu.extract(psf, psf_.shape, psf_.traces, frame_.view(), options_, cpu, hooks);
  }
  static std::uint64_t free_bytes() {
    DeviceInfo info;
    const Gpu gpu = Module::gpu();
    EXPECT_EQ(gpu.module->describe(gpu.ordinal, &info).code, OutcomeCode::kOk);
    return static_cast<std::uint64_t>(info.free_bytes);
  }

  test::MadePsf psf_;
  test::MadeFrame frame_;
  extraction::Options options_;
};
using Modules = ::testing::Types<test::EmulatedGpu, test::RealGpu>;
TYPED_TEST_SUITE(GpuExtractionTest, Modules);

TYPED_TEST(GpuExtractionTest, AgreesWithTheHostModelImageIncluded) {
  GpuExtraction on_gpu(TypeParam::gpu());
  this->options_.model_image = true;
  compute::Cpu cpu(1);
  const extraction::Spectra want =
      extract(this->psf_.shape, this->psf_.traces, this->frame_.view(), this->options_, cpu);
  const extraction::Spectra got = this->run(on_gpu);
  test::expect_close(got, want);
  ASSERT_EQ(got.model.size(), want.model.size());
  for (std::size_t i = 0; i < want.model.size(); ++i) {
    ASSERT_NEAR(got.model[i], want.model[i], 1e-5 * std::fabs(want.model[i]) + 1e-3);
  }
}

TYPED_TEST(GpuExtractionTest, FramesInFlightGiveTheBitsOfOneAlone) {
  GpuExtraction on_gpu(TypeParam::gpu());
  const extraction::Spectra alone = this->run(on_gpu);
  extraction::Spectra out[3];
  std::vector<std::thread> threads;
  for (extraction::Spectra& one : out) threads.emplace_back([&] { one = this->run(on_gpu); });
  for (std::thread& thread : threads) thread.join();
  for (const extraction::Spectra& one : out) {
    EXPECT_EQ(one.flux, alone.flux);
    EXPECT_EQ(one.ivar, alone.ivar);
    EXPECT_EQ(one.resolution, alone.resolution);
    EXPECT_EQ(one.chi2pix, alone.chi2pix);
  }
}

TYPED_TEST(GpuExtractionTest, AThousandLoadsAndEvictionsLeaveNoBytes) {
  { GpuPsf warm(TypeParam::gpu(), this->psf_.shape); }
  const std::uint64_t before = this->free_bytes();
  for (int i = 0; i < 1000; ++i) {
    const GpuPsf psf(TypeParam::gpu(), this->psf_.shape);
    ASSERT_GT(psf.bytes(), 0);
  }
  EXPECT_EQ(this->free_bytes(), before);
}

TYPED_TEST(GpuExtractionTest, AnExtractionLeavesNoBytesOnceItsHolderIsGone) {
  { GpuExtraction warm(TypeParam::gpu()); }
  const std::uint64_t before = this->free_bytes();
  for (int i = 0; i < 2; ++i) {
    GpuExtraction on_gpu(TypeParam::gpu());
    this->run(on_gpu);
  }
  EXPECT_EQ(this->free_bytes(), before);
}

TYPED_TEST(GpuExtractionTest, IsCancelledAndTellsItsProgress) {
  GpuExtraction on_gpu(TypeParam::gpu());
  EXPECT_THROW(this->run(on_gpu, {.progress = {}, .cancelled = [] { return true; }}),
               extraction::Cancelled);
  std::int64_t last = 0, all = -1;
  this->run(on_gpu, {.progress =
                         [&](std::int64_t done, std::int64_t total) {
                           EXPECT_GT(done, last);
                           last = done;
                           all = total;
                         },
                     .cancelled = {}});
  EXPECT_EQ(last, 6);
  EXPECT_EQ(all, 6);
}

TYPED_TEST(GpuExtractionTest, RefusesWhatTheHostRefuses) {
  GpuExtraction on_gpu(TypeParam::gpu());
  this->options_.n_spec = 11;
  EXPECT_THROW(this->run(on_gpu), std::invalid_argument);
}

TYPED_TEST(GpuExtractionTest, DenseAlgebraThroughTheModuleAgreesWithTheHost) {
  GpuExtraction dense(TypeParam::gpu(), extraction::RootMethod::kDense);
  this->options_.n_spec = this->options_.n_subbundles = 5;
  compute::Cpu cpu(1);
  for (const auto mode : {extraction::Decorrelate::kSignal, extraction::Decorrelate::kNoise}) {
    this->options_.decorrelate = mode;
    test::expect_close(this->run(dense), extract(this->psf_.shape, this->psf_.traces,
                                                 this->frame_.view(), this->options_, cpu));
  }
}

TYPED_TEST(GpuExtractionTest, StateItsStagesAndBytesWhereAsked) {
  GpuExtraction on_gpu(TypeParam::gpu());
  const GpuPsf psf(on_gpu.gpu(), this->psf_.shape);
  compute::Cpu cpu(1);
  extraction::DeviceStages stages{};
  on_gpu.extract(psf, this->psf_.shape, this->psf_.traces, this->frame_.view(), this->options_, cpu,
                 {}, &stages);
  for (const double seconds :
       {stages.upload, stages.stamps, stages.normal_equations, stages.factor,
        stages.selected_inverse, stages.schur, stages.root, stages.chi2, stages.download}) {
    EXPECT_GT(seconds, 0);
  }
  EXPECT_GT(stages.device_bytes, 10 * 80 * 187 * 8);
}

}  // namespace
}  // namespace unfold::cuda
