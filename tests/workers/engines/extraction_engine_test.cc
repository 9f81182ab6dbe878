// The engine on a reference case of the shared data: 25 fibres of a real r0 PSF.
#include "workers/engines/extraction/extraction_engine.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/formats/fits/frame.h"
#include "common/formats/fits/psf.h"
#include "common/plan/plan.h"
#include "tests/support/cuda_modules.h"
#include "tests/support/emulated_memory.h"
#include "tests/support/fits_case.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/shared_data.h"
#include "workers/engines/failure.h"

namespace unfold::engine {
namespace {

namespace fs = std::filesystem;

v1::InputIdentity identity_of(const std::string& rooted, const fs::path& file) {
  struct stat now {};
  EXPECT_EQ(::stat(file.c_str(), &now), 0);
  v1::InputIdentity identity;
  identity.set_path(rooted);
  identity.set_device(now.st_dev);
  identity.set_inode(now.st_ino);
  identity.set_size_bytes(now.st_size);
  identity.set_modified_ns(std::int64_t{now.st_mtim.tv_sec} * 1'000'000'000 + now.st_mtim.tv_nsec);
  identity.set_changed_ns(std::int64_t{now.st_ctim.tv_sec} * 1'000'000'000 + now.st_ctim.tv_nsec);
  return identity;
}

/// Bytes that this process has read by system calls so far.
std::int64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::int64_t value = 0;
  while (io >> name >> value && name != "rchar:") continue;
  return value;
}

class ExtractionEngineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const fs::path image = test::shared_file("data/extraction/c01_plain_preproc.fits.gz");
    const fs::path psf = test::shared_file("data/extraction/psf-r0-00051060.fits");
    if (image.empty() || psf.empty()) GTEST_SKIP() << "needs the shared data";
    fs::copy_file(image, folder / "image.fits.gz");
    fs::copy_file(psf, folder / "psf.fits");
    roots.emplace(*Roots::make({"data=" + folder.path().string()}));
    engine = make_extraction_engine(*roots, cpu);
    v1::ExtractionSpec& extraction = *spec.mutable_extraction();
    extraction.set_image("data:image.fits.gz");
    extraction.set_psf("data:psf.fits");
    extraction.set_output("data:frame.fits");
    extraction.mutable_wavelength()->set_min(6500);
    extraction.mutable_wavelength()->set_max(6580);
    extraction.mutable_wavelength()->set_step(0.8);
    extraction.set_specmin(0);
    extraction.set_nspec(25);
    plan.set_response_key("psf");
    plan.set_response_bytes(1 << 20);
    replan();
  }

  void replan() {
    plan.clear_inputs();
    *plan.add_inputs() = identity_of("data:image.fits.gz", folder / "image.fits.gz");
    *plan.add_inputs() = identity_of("data:psf.fits", folder / "psf.fits");
  }
  absl::StatusOr<std::unique_ptr<Product>> extract() {
    auto input = guarded([&] { return engine->read(spec, plan); });
    if (!input.ok()) return input.status();
    return guarded([&] { return engine->compute(*std::move(input), context); });
  }

  test::ScratchFolder folder;
  std::optional<Roots> roots;
  compute::Cpu cpu{2};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<residency::ResponseCache> responses =
      residency::make_response_cache(1 << 24, std::make_shared<SystemClock>());
  CancelToken cancel;
  Mutex mutex;
  v1::Progress last;
  std::vector<bool> hits;
  v1::JobSpec spec;
  v1::Plan plan;
  RunContext context{.responses = *responses,
                     .progress =
                         [this](const v1::Progress& p) {
                           const MutexLock lock(mutex);
                           if (p.done() >= last.done()) last = p;
                         },
                     .cancel = cancel,
                     .job_id = "j",
                     .attempt = 1,
                     .response_ready = [this](bool hit, double) { hits.push_back(hit); }};
};

TEST_F(ExtractionEngineTest, TheFrameFileHoldsTheReferencesAnswer) {
  const auto product = extract();
  ASSERT_TRUE(product.ok()) << product.status();
  EXPECT_EQ((*product)->summary.at("bins"), 25 * 101);
  EXPECT_EQ(last.done(), last.total());
  EXPECT_EQ(last.unit(), "patches");

  const OutputTarget target{0, "data:frame.fits", (folder / "part").string()};
  ASSERT_TRUE(engine->write(**product, {target}).ok());
  ASSERT_TRUE(engine->verify(target).ok());
  const auto frame = fits::read_frame(target.part_path);
  ASSERT_TRUE(frame.ok()) << frame.status();
  const std::string reference = test::shared_file("data/extraction/c01_plain_gs.fits.gz").string();
  const test::FitsArray flux = test::read_fits_array(reference, "FLUX");
  const test::FitsArray ivar = test::read_fits_array(reference, "IVAR");
  ASSERT_EQ(flux.data.size(), frame->flux.size());
  for (std::size_t i = 0; i < flux.data.size(); ++i) {
    const auto ours = static_cast<double>(frame->flux[i]);
    ASSERT_LT(std::abs(ours - flux.data[i]) * std::sqrt(ivar.data[i]), 1e-3) << i;
    ASSERT_NEAR(static_cast<double>(frame->ivar[i]) / ivar.data[i], 1, 1e-5) << i;
  }
  const test::FitsArray chi2 = test::read_fits_array(reference, "CHI2PIX");
  const double mean_chi2 = std::accumulate(chi2.data.begin(), chi2.data.end(), 0.0) / (25 * 101);
  EXPECT_NEAR((*product)->summary.at("chi2_per_dof"), mean_chi2, 1e-4 * mean_chi2);
  EXPECT_EQ(frame->fibermap->rows, 25);
  EXPECT_TRUE(frame->scores.has_value());
  EXPECT_EQ(*frame->header.string("IN_PSF"), "data:psf.fits");
}

/// The frame that an engine writes, of a fresh response.
class GpuExtractionEngineTest : public ExtractionEngineTest {
 protected:
  fits::Frame frame_of(Engine& on) {
    const auto cache = residency::make_response_cache(1 << 24, std::make_shared<SystemClock>());
    RunContext fresh{*cache, context.progress, cancel, "j", 1, context.response_ready};
    fresh.note = [&](const std::string& line) { notes.push_back(line); };
    auto input = on.read(spec, plan);
    EXPECT_TRUE(input.ok()) << input.status();
    const auto product = on.compute(*std::move(input), fresh);
    EXPECT_TRUE(product.ok()) << product.status();
    const OutputTarget target{0, "data:frame.fits", (folder / "part").string()};
    EXPECT_TRUE(on.write(**product, {target}).ok());
    return *fits::read_frame(target.part_path);
  }
  void expect_the_frame_of_the_cpu() {
    const fits::Frame on_cpu = frame_of(*engine);
    const auto with_gpu = make_extraction_engine(*roots, cpu, test::EmulatedGpu::gpu());
    const fits::Frame on_gpu = frame_of(*with_gpu);
    ASSERT_EQ(on_gpu.flux.size(), on_cpu.flux.size());
    for (std::size_t i = 0; i < on_cpu.flux.size(); ++i) {
      const double apart = static_cast<double>(on_gpu.flux[i] - on_cpu.flux[i]);
      ASSERT_LT(std::abs(apart) * std::sqrt(static_cast<double>(on_cpu.ivar[i])), 1e-4) << i;
    }
    EXPECT_EQ(on_gpu.mask, on_cpu.mask);
    EXPECT_TRUE(notes.empty());
  }
  void expect_to_fit_into_what_its_plan_asks_for() {
    const auto with_gpu = make_extraction_engine(*roots, cpu, test::EmulatedGpu::gpu());
    const auto planned = unfold::plan::plan(spec, *roots);
    ASSERT_TRUE(planned.ok()) << planned.status();
    ASSERT_GT(planned->plan.device_bytes(), 0);
    const test::EmulatedMemory memory(planned->plan.response_bytes() +
                                      planned->plan.device_bytes());
    const auto cache = residency::make_response_cache(1 << 24, std::make_shared<SystemClock>());
    RunContext fresh{*cache, context.progress, cancel, "j", 1, context.response_ready};
    auto input = with_gpu->read(planned->spec, planned->plan);
    ASSERT_TRUE(input.ok()) << input.status();
    const auto product = guarded([&] { return with_gpu->compute(*std::move(input), fresh); });
    EXPECT_TRUE(product.ok()) << product.status();
  }
  /// Of patches small enough for dense algebra in a test.
  void decorrelate_noise() {
    v1::ExtractionSpec& extraction = *spec.mutable_extraction();
    extraction.set_decorrelate(v1::DECORRELATION_NOISE);
    extraction.mutable_wavelength()->set_max(6511.2);
    extraction.set_nwavestep(15);
  }
  std::vector<std::string> notes;
};

TEST_F(GpuExtractionEngineTest, GivesTheFrameOfTheCpu) { expect_the_frame_of_the_cpu(); }
TEST_F(GpuExtractionEngineTest, GivesTheFrameOfTheCpuWithNoiseDecorrelated) {
  decorrelate_noise();
  expect_the_frame_of_the_cpu();
}

TEST_F(GpuExtractionEngineTest, AJobFitsIntoTheGpuMemoryThatItsPlanAsksFor) {
  for (const auto mode : {v1::EXTRACTION_MODE_PATCHES, v1::EXTRACTION_MODE_STRIPS}) {
    spec.mutable_extraction()->set_mode(mode);
    expect_to_fit_into_what_its_plan_asks_for();
  }
  spec.mutable_extraction()->set_mode(v1::EXTRACTION_MODE_PATCHES);
  decorrelate_noise();
  expect_to_fit_into_what_its_plan_asks_for();
}

/// Jobs on a GPU that has no room for two PSFs and a workspace, as the agent runs them.
class SmallGpu : public ExtractionEngineTest {
 protected:
  void SetUp() override {
    ExtractionEngineTest::SetUp();
    if (IsSkipped()) return;
    const auto planned = unfold::plan::plan(spec, *roots);
    ASSERT_TRUE(planned.ok()) << planned.status();
    spec = planned->spec;
    plan = planned->plan;
    before = held();
    const std::int64_t bytes = plan.response_bytes() * 3 / 2 + plan.device_bytes();
    memory.emplace(before + bytes);
    ledger = residency::make_response_cache(bytes, std::make_shared<SystemClock>());
    on_gpu = make_extraction_engine(*roots, cpu, test::EmulatedGpu::gpu());
  }
  void TearDown() override {
    ledger.reset();
    memory.reset();
  }
  static std::int64_t held() {
    cuda::DeviceInfo info{};
    const cuda::Gpu gpu = test::EmulatedGpu::gpu();
    EXPECT_EQ(gpu.module->describe(gpu.ordinal, &info).code, cuda::OutcomeCode::kOk);
    return static_cast<std::int64_t>(info.memory_bytes - info.free_bytes);
  }
  void run(const std::string& response_key) {
    plan.set_response_key(response_key);
    auto room = ledger->reserve({on_gpu->name(), plan.device_bytes(), response_key});
    ASSERT_TRUE(room.ok()) << room.status();
    RunContext fresh{*ledger, context.progress, cancel, "j", 1, context.response_ready};
    fresh.room = room->get();
    found = fresh.room->workspace;
    auto input = on_gpu->read(spec, plan);
    ASSERT_TRUE(input.ok()) << input.status();
    const auto product = guarded([&] { return on_gpu->compute(*std::move(input), fresh); });
    ASSERT_TRUE(product.ok()) << product.status();
  }

  std::int64_t before = 0;
  std::optional<test::EmulatedMemory> memory;
  std::unique_ptr<residency::ResponseCache> ledger;
  std::unique_ptr<Engine> on_gpu;
  std::weak_ptr<residency::Workspace> found;  ///< by the last run
};

TEST_F(SmallGpu, TakesTurnsBetweenTwoPsfsByEviction) {
  for (const char* key : {"a", "b", "a"}) {
    run(key);
    EXPECT_EQ(ledger->list().size(), 1u) << key;
  }
  EXPECT_EQ(hits, (std::vector<bool>{false, false, false}));
}

TEST_F(SmallGpu, KeepsAFramesWorkspaceForTheNextAndSaysHowManyBytes) {
  run("a");
  EXPECT_TRUE(found.expired());
  const std::int64_t idle = ledger->workspace_bytes().idle;
  EXPECT_GT(idle, 0);
  EXPECT_LE(idle, plan.device_bytes());
  EXPECT_LE(held() - before, idle + ledger->resident_bytes());
  EXPECT_GE(held() - before, idle);
  run("a");
  EXPECT_FALSE(found.expired());
  EXPECT_EQ(ledger->workspace_bytes().idle, idle);
}

TEST_F(SmallGpu, GivesAnIdleWorkspaceBackToWhoeverNeedsIt) {
  run("a");
  EXPECT_TRUE(ledger->reserve({"imaging", plan.device_bytes(), "a"}).ok());
  EXPECT_EQ(ledger->workspace_bytes().idle, 0);
  EXPECT_EQ(ledger->list().size(), 1u);
  ASSERT_TRUE(ledger->evict("a").ok());
  EXPECT_EQ(held(), before);
}

TEST_F(ExtractionEngineTest, AModelImageIsWrittenBesideTheFrame) {
  spec.mutable_extraction()->set_model("data:model.fits");
  const auto product = extract();
  ASSERT_TRUE(product.ok()) << product.status();
  const std::vector<OutputTarget> targets = {
      {0, "data:frame.fits", (folder / "frame.part").string()},
      {1, "data:model.fits", (folder / "model.part").string()}};
  ASSERT_TRUE(engine->write(**product, targets).ok());
  EXPECT_TRUE(engine->verify(targets[0]).ok());
  EXPECT_TRUE(engine->verify(targets[1]).ok());
  EXPECT_FALSE(engine->verify({0, "data:frame.fits", targets[1].part_path}).ok());
}

TEST_F(ExtractionEngineTest, ASecondFrameWithTheSamePsfReadsNoneOfIt) {
  const std::int64_t before = bytes_read();
  ASSERT_TRUE(engine->preload(spec, plan, *responses).ok());
  const std::int64_t first = bytes_read() - before;
  EXPECT_GT(first, 1'000'000);
  ASSERT_TRUE(engine->preload(spec, plan, *responses).ok());
  EXPECT_LT(bytes_read() - before - first, 10'000);  // what reading the counter itself costs
  ASSERT_TRUE(extract().ok());
  EXPECT_EQ(hits, std::vector<bool>{true});
}

TEST_F(ExtractionEngineTest, AnotherExposuresTracesAreReadThoughItsShapeIsResident) {
  ASSERT_TRUE(engine->preload(spec, plan, *responses).ok());
  auto psf = fits::read_psf((folder / "psf.fits").string());
  ASSERT_TRUE(psf.ok());
  for (double& coefficient : psf->x.coefficients) coefficient += 1e-3;
  fs::remove(folder / "psf.fits");
  ASSERT_TRUE(fits::write_psf((folder / "psf.fits").string(), *psf).ok());
  replan();
  const std::int64_t before = bytes_read();
  ASSERT_TRUE(engine->preload(spec, plan, *responses).ok());
  EXPECT_GT(bytes_read() - before, 100'000);
  EXPECT_EQ(responses->list().size(), 1u);
}

TEST_F(ExtractionEngineTest, AnInputThatChangedSinceItWasPlannedIsRefused) {
  std::ofstream(folder / "image.fits.gz", std::ios::app) << "x";
  const absl::Status status = extract().status();
  EXPECT_EQ(reason_of(status), "INPUT_CHANGED");
  EXPECT_EQ(classify(status, Phase::kRead), v1::ERROR_CLASS_INPUT_ERROR);
}

TEST_F(ExtractionEngineTest, APsfReplacedSinceItBecameResidentIsRefused) {
  ASSERT_TRUE(engine->preload(spec, plan, *responses).ok());
  std::ofstream(folder / "psf.fits", std::ios::app) << "x";
  EXPECT_EQ(reason_of(extract().status()), "INPUT_CHANGED");
}

TEST_F(ExtractionEngineTest, APsfOfAnotherCcdIsRefused) {
  auto psf = fits::read_psf((folder / "psf.fits").string());
  ASSERT_TRUE(psf.ok());
  psf->npix_x = 2000;
  fs::remove(folder / "psf.fits");
  ASSERT_TRUE(fits::write_psf((folder / "psf.fits").string(), *psf).ok());
  replan();
  const absl::Status status = extract().status();
  EXPECT_EQ(reason_of(status), "WRONG_SHAPE");
  EXPECT_EQ(classify(status, Phase::kCompute), v1::ERROR_CLASS_INPUT_ERROR);
}

TEST_F(ExtractionEngineTest, ACancelledExtractionEnds) {
  cancel.cancel();
  EXPECT_TRUE(absl::IsCancelled(extract().status()));
}

TEST_F(ExtractionEngineTest, AFullDiskIsAnOutputError) {
  const auto product = extract();
  ASSERT_TRUE(product.ok());
  const absl::Status status = engine->write(**product, {{0, "data:frame.fits", "/dev/full"}});
  EXPECT_EQ(reason_of(status), "DISK_FULL");
  EXPECT_EQ(classify(status, Phase::kWrite), v1::ERROR_CLASS_OUTPUT_ERROR);
}

}  // namespace
}  // namespace unfold::engine
