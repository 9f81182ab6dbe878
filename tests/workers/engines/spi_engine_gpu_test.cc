// The engine on a GPU, beside the CPU's.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/formats/spi/density_file.h"
#include "common/plan/plan.h"
#include "tests/support/cuda_modules.h"
#include "tests/support/emulated_memory.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/simulated_patterns.h"
#include "workers/cuda/outcome.h"
#include "workers/engines/failure.h"
#include "workers/engines/spi/spi_engine.h"

namespace unfold::engine {
namespace {

/// Between whole jobs of the CPU and of a GPU, too small to find anything: from random orientations
/// rounding takes frames other ways (job_device_test.cc holds each search to the CPU's).
/// Correlation of merged intensities, most of which is their spherical mean (0.989 measured), and
/// the relative difference of the frames' log-likelihoods.
constexpr double kIntensityCorrelation = 0.9, kScoreTolerance = 0.02;

template <class Module>
class SpiEngineOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    simulate::SpiOptions options;
    options.geometry.size = 14;
    options.geometry.corner = 10;
    options.frames = 40;
    options.photons = 300;
    ASSERT_TRUE(spi_data::write_cspi((folder / "patterns.h5").string(),
                                     test::simulated_patterns(options, 26))
                    .ok());
    roots.emplace(*Roots::make({"data=" + folder.path().string()}));
    v1::SpiSpec& spi = *spec.mutable_spi();
    spi.add_data("data:patterns.h5");
    spi.set_output("data:density.h5");
    spi.set_grid(11);
    spi.set_max_generations(3);
    spi.set_phasing_starts(2);
    spi.set_coarse_references(200);
  }

  spi_data::DensityFile density_on(std::optional<cuda::Gpu> gpu) {
    const auto responses = residency::make_response_cache(1 << 26, clock);
    return density_on(gpu, *responses);
  }
  spi_data::DensityFile density_on(std::optional<cuda::Gpu> gpu,
                                   residency::ResponseCache& responses) {
    const auto engine = make_spi_engine(*roots, cpu, clock, gpu);
    const auto planned = plan::plan(spec, *roots);
    EXPECT_TRUE(planned.ok()) << planned.status();
    CancelToken cancel;
    RunContext context{.responses = responses,
                       .progress = [](const v1::Progress&) {},
                       .cancel = cancel,
                       .job_id = "job",
                       .attempt = 1,
                       .response_ready = [this](bool hit, double) { was_resident = hit; },
                       .note = [this](const std::string& line) { notes.push_back(line); }};
    auto input = guarded([&] { return engine->read(planned->spec, planned->plan); });
    EXPECT_TRUE(input.ok()) << input.status();
    const auto product = guarded([&] { return engine->compute(*std::move(input), context); });
    EXPECT_TRUE(product.ok()) << product.status();
    const OutputTarget target{0, "data:density.h5", (folder / "part").string()};
    EXPECT_TRUE(engine->write(**product, {target}).ok());
    return *spi_data::read_density(target.part_path, target.rooted_path);
  }

  test::ScratchFolder folder;
  std::optional<Roots> roots;
  compute::Cpu cpu{2};
  std::shared_ptr<test::FakeClock> clock = std::make_shared<test::FakeClock>();
  v1::JobSpec spec;
  bool was_resident = false;
  std::vector<std::string> notes;
};

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  double ab = 0, aa = 0, bb = 0, sum_a = 0, sum_b = 0;
  const auto n = static_cast<double>(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum_a += a[i];
    sum_b += b[i];
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return (ab - sum_a * sum_b / n) / std::sqrt((aa - sum_a * sum_a / n) * (bb - sum_b * sum_b / n));
}

using Modules = ::testing::Types<test::EmulatedGpu, test::RealGpu>;
TYPED_TEST_SUITE(SpiEngineOnGpu, Modules);

TYPED_TEST(SpiEngineOnGpu, MakesADensityLikeTheCpusAndTheSameOneAgain) {
  const spi_data::DensityFile want = this->density_on(std::nullopt);
  const spi_data::DensityFile got = this->density_on(TypeParam::gpu());
  const spi_data::DensityFile again = this->density_on(TypeParam::gpu());
  ASSERT_EQ(got.maps.size(), 1u);
  EXPECT_NE(got.maps[0].density, want.maps[0].density) << "the GPU was not asked";
  EXPECT_EQ(got.maps[0].density, again.maps[0].density);
  EXPECT_EQ(got.scores, again.scores);
  EXPECT_GE(correlation(got.maps[0].intensity, want.maps[0].intensity), kIntensityCorrelation);
  double is = 0, was = 0;
  for (std::size_t i = 0; i < want.scores.size(); ++i) {
    is += got.scores[i];
    was += want.scores[i];
  }
  EXPECT_NEAR(is, was, kScoreTolerance * std::abs(was));
}

using SpiEngineOnEmulatedGpu = SpiEngineOnGpu<test::EmulatedGpu>;
TEST_F(SpiEngineOnEmulatedGpu, AJobFitsIntoTheGpuMemoryThatItsPlanAsksFor) {
  const auto planned = plan::plan(spec, *roots);
  ASSERT_TRUE(planned.ok()) << planned.status();
  ASSERT_GT(planned->plan.device_bytes(), 0);
  const test::EmulatedMemory memory(planned->plan.device_bytes());
  density_on(test::EmulatedGpu::gpu());
}

TYPED_TEST(SpiEngineOnGpu, PatternsStayOnTheDeviceFromJobToJobAndGoWithTheResponse) {
  const cuda::Gpu gpu = TypeParam::gpu();
  const auto free_bytes = [&] {
    cuda::DeviceInfo info{};
    cuda::require(gpu.module->describe(gpu.ordinal, &info));
    return info.free_bytes;
  };
  const auto before = free_bytes();
  auto responses = residency::make_response_cache(1 << 26, this->clock);
  this->density_on(gpu, *responses);
  EXPECT_FALSE(this->was_resident);
  const auto between = free_bytes();
  EXPECT_LT(between, before);
  this->density_on(gpu, *responses);
  EXPECT_TRUE(this->was_resident);
  EXPECT_EQ(free_bytes(), between);
  responses.reset();
  EXPECT_EQ(free_bytes(), before);
}

TYPED_TEST(SpiEngineOnGpu, SaysWhereItComputes) {
  EXPECT_EQ(make_spi_engine(*this->roots, this->cpu, this->clock, TypeParam::gpu())->device(),
            "cuda:0");
  EXPECT_EQ(make_spi_engine(*this->roots, this->cpu, this->clock, std::nullopt)->device(), "cpu");
}

}  // namespace
}  // namespace unfold::engine
