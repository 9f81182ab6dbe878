#include "workers/engines/probe/probe_engine.h"

#include <gmock/gmock.h>

#include <thread>

#include "google/protobuf/util/time_util.h"
#include "tests/support/scratch_folder.h"
#include "workers/engines/failure.h"

namespace unfold::engine {
namespace {

using google::protobuf::util::TimeUtil;

class ProbeEngineTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<Product>> compute() {
    auto input = engine->read(spec, plan);
    if (!input.ok()) return input.status();
    return guarded([&] { return engine->compute(*std::move(input), context); });
  }
  v1::ProbeSpec& probe() { return *spec.mutable_probe(); }

  std::shared_ptr<const Clock> clock = std::make_shared<SystemClock>();
  std::unique_ptr<Engine> engine = make_probe_engine(clock);
  std::unique_ptr<residency::ResponseCache> responses = residency::make_response_cache(1000, clock);
  CancelToken cancel;
  std::vector<v1::Progress> progress;
  std::vector<bool> hits;
  v1::JobSpec spec;
  v1::Plan plan;
  RunContext context{.responses = *responses,
                     .progress = [this](const v1::Progress& p) { progress.push_back(p); },
                     .cancel = cancel,
                     .job_id = "j",
                     .attempt = 1,
                     .response_ready = [this](bool hit, double) { hits.push_back(hit); }};
};

TEST_F(ProbeEngineTest, ReportsRisingProgressInShortSteps) {
  *probe().mutable_run() = TimeUtil::MillisecondsToDuration(200);
  ASSERT_TRUE(compute().ok());
  ASSERT_GE(progress.size(), 4u);  // 200 ms in steps of at most 50
  for (std::size_t i = 1; i < progress.size(); ++i) {
    EXPECT_GE(progress[i].fraction(), progress[i - 1].fraction());
  }
  EXPECT_EQ(progress.back().fraction(), 1.0);
  EXPECT_EQ(progress.back().stage(), "compute");
}

TEST_F(ProbeEngineTest, CancellationEndsALongRun) {
  *probe().mutable_run() = TimeUtil::HoursToDuration(10);
  context.progress = [this](const v1::Progress&) { cancel.cancel(); };
  EXPECT_TRUE(absl::IsCancelled(compute().status()));
}

TEST_F(ProbeEngineTest, TheSecondJobHitsThePretendedResponse) {
  plan.set_response_key("r");
  probe().set_response_bytes(600);
  ASSERT_TRUE(compute().ok());
  ASSERT_TRUE(compute().ok());
  EXPECT_THAT(hits, ::testing::ElementsAre(false, true));
  EXPECT_EQ(responses->resident_bytes(), 600);
}

TEST_F(ProbeEngineTest, PreloadBringsTheResponseIntoMemory) {
  plan.set_response_key("r");
  probe().set_response_bytes(600);
  ASSERT_TRUE(engine->preload(spec, plan, *responses).ok());
  EXPECT_EQ(responses->resident_bytes(), 600);
}

TEST_F(ProbeEngineTest, FaultsStrikeOnlyInTheAttemptsNamed) {
  probe().set_fault(v1::ProbeSpec::FAULT_ENGINE_ERROR);
  probe().set_fault_attempts(2);
  for (const int attempt : {1, 2}) {
    context.attempt = attempt;
    EXPECT_TRUE(absl::IsInternal(compute().status()));
  }
  context.attempt = 3;
  EXPECT_TRUE(compute().ok());
}

TEST_F(ProbeEngineTest, EachFaultHasItsClass) {
  const std::map<v1::ProbeSpec::Fault, v1::ErrorClass> classes = {
      {v1::ProbeSpec::FAULT_ENGINE_ERROR, v1::ERROR_CLASS_ENGINE_ERROR},
      {v1::ProbeSpec::FAULT_INPUT_ERROR, v1::ERROR_CLASS_INPUT_ERROR},
      {v1::ProbeSpec::FAULT_OUT_OF_MEMORY, v1::ERROR_CLASS_OUT_OF_MEMORY}};
  for (const auto& [fault, error_class] : classes) {
    probe().set_fault(fault);
    EXPECT_EQ(classify(compute().status(), Phase::kCompute), error_class);
  }
}

TEST_F(ProbeEngineTest, ACrashTakesTheProcessDown) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  probe().set_fault(v1::ProbeSpec::FAULT_CRASH);
  EXPECT_EXIT(compute().IgnoreError(), ::testing::KilledBySignal(SIGABRT), "");
}

TEST_F(ProbeEngineTest, WritesAndVerifiesItsProduct) {
  const test::ScratchFolder folder;
  const OutputTarget target{0, "out:p", (folder / "p").string()};
  probe().set_output_bytes(200'000);
  const auto product = compute();
  ASSERT_TRUE(product.ok());
  ASSERT_TRUE(engine->write(**product, {target}).ok());
  EXPECT_EQ(std::filesystem::file_size(folder / "p"), 200'000u);
  EXPECT_TRUE(engine->verify(target).ok());

  std::string damaged = test::read_text(folder / "p");
  damaged[100'000] = '#';
  test::write_text(folder / "p", damaged);
  EXPECT_EQ(classify(engine->verify(target), Phase::kPublish), v1::ERROR_CLASS_ENGINE_ERROR);
}

TEST_F(ProbeEngineTest, AFullDiskIsAnOutputError) {
  probe().set_output_bytes(200'000);
  const auto product = compute();
  ASSERT_TRUE(product.ok());
  const absl::Status status = engine->write(**product, {{0, "out:p", "/dev/full"}});
  EXPECT_EQ(classify(status, Phase::kWrite), v1::ERROR_CLASS_OUTPUT_ERROR);
  EXPECT_TRUE(absl::IsResourceExhausted(status));
}

}  // namespace
}  // namespace unfold::engine
