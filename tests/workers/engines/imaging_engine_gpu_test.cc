// The engine on a GPU that host threads play, and on a real one where there is one, against the
// engine on the CPU.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/formats/imaging/map_file.h"
#include "common/formats/imaging/problem_file.h"
#include "common/plan/plan.h"
#include "common/simulate/imaging.h"
#include "tests/support/cuda_modules.h"
#include "tests/support/emulated_memory.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scratch_folder.h"
#include "workers/engines/failure.h"
#include "workers/engines/imaging/imaging_engine.h"

namespace unfold::engine {
namespace {

/// Between products of the CPU and of a GPU, over the largest value, with the same storage.
constexpr double kTolerance = 1e-5;

/// SQUAREM extrapolates from small differences: its path through maps that are equally likely
/// follows every rounding of fp32.
bool amplifies_rounding(v1::ImagingAlgorithm algorithm) {
  return algorithm == v1::IMAGING_ALGORITHM_OSEM || algorithm == v1::IMAGING_ALGORITHM_MAP;
}

std::size_t free_bytes(const cuda::Gpu& gpu) {
  cuda::DeviceInfo info{};
  EXPECT_EQ(gpu.module->describe(gpu.ordinal, &info).code, cuda::OutcomeCode::kOk);
  return static_cast<std::size_t>(info.free_bytes);
}

template <class Module>
class ImagingEngineOnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = Module::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
    roots.emplace(*Roots::make({"data=" + folder.path().string()}));
    auto options = *simulate::imaging_preset("tiny");
    const auto problem = simulate::make_imaging_problem(options);
    ASSERT_TRUE(problem.ok());
    ASSERT_TRUE(
        imaging_data::write_problem((folder / "day.h5").string(), *problem, {.overwrite = true})
            .ok());
    spec.mutable_imaging()->set_data("data:day.h5");
    spec.mutable_imaging()->set_output("data:map.h5");
    spec.mutable_imaging()->set_stop(v1::IMAGING_STOP_ITERATIONS);
    spec.mutable_imaging()->set_iterations(20);
  }

  imaging_data::MapProduct map_of(std::optional<cuda::Gpu> gpu,
                                  residency::ResponseCache& responses) {
    const auto engine = make_imaging_engine(*roots, cpu, clock, gpu);
    const auto planned = plan::plan(spec, *roots);
    EXPECT_TRUE(planned.ok()) << planned.status();
    CancelToken cancel;
    RunContext context{.responses = responses,
                       .progress = [](const v1::Progress&) {},
                       .cancel = cancel,
                       .job_id = "job",
                       .attempt = 1,
                       .response_ready = [](bool, double) {},
                       .note = [](const std::string&) {}};
    auto input = engine->read(planned->spec, planned->plan);
    EXPECT_TRUE(input.ok()) << input.status();
    const auto product = guarded([&] { return engine->compute(*std::move(input), context); });
    EXPECT_TRUE(product.ok()) << product.status();
    const OutputTarget target{0, "data:map.h5", (folder / "part").string()};
    EXPECT_TRUE(engine->write(**product, {target}).ok());
    return *imaging_data::read_map(target.part_path, target.rooted_path);
  }
  std::unique_ptr<residency::ResponseCache> cache() const {
    return residency::make_response_cache(1 << 28, clock);
  }

  test::ScratchFolder folder;
  std::optional<Roots> roots;
  compute::Cpu cpu{2};
  std::shared_ptr<test::FakeClock> clock = std::make_shared<test::FakeClock>();
  v1::JobSpec spec;
};
using Modules = ::testing::Types<test::EmulatedGpu, test::RealGpu>;
TYPED_TEST_SUITE(ImagingEngineOnGpu, Modules);

TYPED_TEST(ImagingEngineOnGpu, MakesTheMapsOfTheCpu) {
  for (const auto storage : {v1::RESPONSE_STORAGE_FP64, v1::RESPONSE_STORAGE_FP32}) {
    const auto on_cpu = this->cache(), on_gpu = this->cache();
    for (const auto algorithm :
         {v1::IMAGING_ALGORITHM_EM, v1::IMAGING_ALGORITHM_OSEM, v1::IMAGING_ALGORITHM_MAP,
          v1::IMAGING_ALGORITHM_EM_NEWTON, v1::IMAGING_ALGORITHM_COSIPY_RL}) {
      this->spec.mutable_imaging()->set_algorithm(algorithm);
      this->spec.mutable_imaging()->set_storage(storage);
      const auto wanted = this->map_of(std::nullopt, *on_cpu),
                 is = this->map_of(TypeParam::gpu(), *on_gpu);
      const std::string what =
          v1::ImagingAlgorithm_Name(algorithm) + " " + v1::ResponseStorage_Name(storage);
      EXPECT_NEAR(is.log_likelihood.back(), wanted.log_likelihood.back(),
                  kTolerance * std::abs(wanted.log_likelihood.back()))
          << what;
      if (amplifies_rounding(algorithm) && storage == v1::RESPONSE_STORAGE_FP32) continue;
      const double largest = *std::max_element(wanted.map.begin(), wanted.map.end());
      double worst = 0;
      ASSERT_EQ(is.map.size(), wanted.map.size());
      for (std::size_t p = 0; p < wanted.map.size(); ++p) {
        worst = std::max(worst, std::abs(is.map[p] - wanted.map[p]));
      }
      EXPECT_GT(largest, 0);
      EXPECT_LE(worst, kTolerance * largest) << what;
    }
  }
}

using ImagingEngineOnEmulatedGpu = ImagingEngineOnGpu<test::EmulatedGpu>;
TEST_F(ImagingEngineOnEmulatedGpu, AJobFitsIntoTheGpuMemoryThatItsPlanAsksFor) {
  for (const int bootstrap : {0, 20}) {
    spec.mutable_imaging()->set_bootstrap(bootstrap);
    const auto planned = plan::plan(spec, *roots);
    ASSERT_TRUE(planned.ok()) << planned.status();
    ASSERT_GT(planned->plan.device_bytes(), 0);
    const test::EmulatedMemory memory(planned->plan.response_bytes() +
                                      planned->plan.device_bytes());
    const auto responses = cache();
    map_of(test::EmulatedGpu::gpu(), *responses);
  }
}

TYPED_TEST(ImagingEngineOnGpu, KeepsTheResponseOnTheGpuUntilItIsEvicted) {
  const cuda::Gpu gpu = TypeParam::gpu();
  const std::size_t before = free_bytes(gpu);
  const auto responses = this->cache();
  this->map_of(gpu, *responses);
  const auto held = static_cast<std::int64_t>(before - free_bytes(gpu));
  std::int64_t listed = 0;
  for (const residency::Resident& resident : responses->list()) {
    if (!resident.key.starts_with("imaging-background")) listed += resident.bytes;
  }
  EXPECT_GE(held, listed);  // a driver takes whole pages
  EXPECT_GT(listed, 0);
  for (const residency::Resident& resident : responses->list()) {
    EXPECT_TRUE(responses->evict(resident.key).ok());
  }
  EXPECT_EQ(free_bytes(gpu), before);
}

}  // namespace
}  // namespace unfold::engine
