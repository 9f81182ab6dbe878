// The agent, its slots and the gRPC session against a scheduler played by the test.
#include "workers/agent/agent.h"

#include <gmock/gmock.h>

#include <atomic>

#include "common/base/sha256.h"
#include "tests/support/scratch_folder.h"
#include "tests/workers/agent/fake_scheduler.h"
#include "workers/agent/grpc_transport.h"
#include "workers/engines/probe/probe_engine.h"

namespace unfold::agent {
namespace {

using google::protobuf::util::TimeUtil;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::read_text;
using test::write_text;

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    scheduler_.emplace((folder_ / "s").string(), milliseconds(100), seconds(30));
    start_agent();
  }
  void TearDown() override { drain(); }

  void start_agent() {
    CoreConfig core;
    core.hello.set_worker("w");
    core.hello.set_slots(1);
    core.drain_timeout = seconds(30);
    agent_ = std::make_unique<Agent>(
        Agent::Options{.core = core, .slots = 1, .ownership = {}},
        Agent::Parts{*roots_, *responses_, {probe_.get()}, *clock_, logger_},
        grpc_transport("unix:" + (folder_ / "s").string()));
    thread_ = std::thread([this] { exit_ = agent_->run(); });
  }
  void drain() {
    if (!thread_.joinable()) return;
    agent_->drain();
    thread_.join();
    agent_.reset();
  }

  v1::Assign probe(std::int64_t fence, Duration run, const std::string& output = "p") const {
    v1::Assign assign;
    assign.set_fence(fence);
    assign.set_lease_id(absl::StrCat("lease ", fence));
    assign.set_job_id(absl::StrCat("job ", fence));
    assign.set_attempt(1);
    v1::ProbeSpec& spec = *assign.mutable_spec()->mutable_probe();
    *spec.mutable_run() = TimeUtil::NanosecondsToDuration(run.count());
    spec.set_output_bytes(1000);
    if (!output.empty()) assign.mutable_plan()->add_outputs()->set_path("out:" + output);
    return assign;
  }
  v1::Finished finished(std::int64_t fence) {
    v1::Finished out;
    EXPECT_TRUE(scheduler_->wait_for_finished(fence, &out));
    return out;
  }
  bool wait_until_computing(std::int64_t fence) {
    return scheduler_->wait_for([=](const v1::WorkerMessage& message) {
      return message.has_started() && message.started().fence() == fence;
    });
  }
  v1::SchedulerMessage cancel(std::int64_t fence) const {
    v1::SchedulerMessage message;
    message.mutable_cancel()->set_fence(fence);
    message.mutable_cancel()->set_reason(v1::ERROR_CLASS_CANCELLED);
    return message;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(out_.path())) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  test::ScratchFolder folder_;
  test::ScratchFolder out_;
  std::shared_ptr<const Clock> clock_ = std::make_shared<SystemClock>();
  log::Logger logger_{log::Level::kError, log::Format::kText, *clock_};
  absl::StatusOr<Roots> roots_ = Roots::make({"out=" + out_.path().string()});
  std::unique_ptr<residency::ResponseCache> responses_ =
      residency::make_response_cache(1 << 20, clock_);
  std::unique_ptr<engine::Engine> probe_ = engine::make_probe_engine(clock_);
  std::optional<test::FakeScheduler> scheduler_;
  std::unique_ptr<Agent> agent_;
  std::thread thread_;
  Exit exit_;
};

TEST_F(AgentTest, RunsAJobAndPublishesItsProduct) {
  scheduler_->assign(probe(1, milliseconds(10)));
  const v1::Finished done = finished(1);
  EXPECT_TRUE(done.succeeded()) << done.message();
  ASSERT_EQ(done.outputs_size(), 1);
  EXPECT_EQ(done.outputs(0).path(), "out:p");
  EXPECT_EQ(done.outputs(0).size_bytes(), 1000);
  EXPECT_EQ(done.outputs(0).sha256(), *sha256_of_file(out_ / "p"));
  EXPECT_THAT(files(), ::testing::ElementsAre("p"));
}

TEST_F(AgentTest, RefusesAnExistingOutputBeforeAnyWork) {
  write_text(out_ / "p", "old");
  scheduler_->assign(probe(1, seconds(1000)));
  const v1::Finished done = finished(1);
  EXPECT_EQ(done.error_class(), v1::ERROR_CLASS_OUTPUT_ERROR);
  EXPECT_THAT(done.message(), ::testing::HasSubstr("--overwrite"));
  EXPECT_EQ(read_text(out_ / "p"), "old");
}

TEST_F(AgentTest, ACancelledJobLeavesNoFile) {
  scheduler_->assign(probe(1, seconds(1000)));
  ASSERT_TRUE(wait_until_computing(1));
  scheduler_->send(cancel(1));
  EXPECT_EQ(finished(1).error_class(), v1::ERROR_CLASS_CANCELLED);
  EXPECT_TRUE(files().empty());
}

TEST_F(AgentTest, ARefusedIntentPublishesNothing) {
  scheduler_->refuse_intents();
  scheduler_->assign(probe(1, milliseconds(10)));
  EXPECT_FALSE(finished(1).succeeded());
  EXPECT_TRUE(files().empty());
}

TEST_F(AgentTest, ALostSessionKeepsTheJobRunning) {
  scheduler_->assign(probe(1, milliseconds(500)));
  ASSERT_TRUE(wait_until_computing(1));
  scheduler_->cut();
  ASSERT_TRUE(scheduler_->wait_for([](const v1::WorkerMessage& message) {
    return message.has_hello() && message.hello().held_leases_size() == 1;
  }));
  EXPECT_TRUE(finished(1).succeeded());
  EXPECT_THAT(files(), ::testing::ElementsAre("p"));
}

TEST_F(AgentTest, WorkThatTheSchedulerDoesNotAdoptIsDiscarded) {
  scheduler_->adopt_all(false);
  scheduler_->assign(probe(1, seconds(1000)));
  ASSERT_TRUE(wait_until_computing(1));
  scheduler_->cut();
  scheduler_->assign(probe(2, milliseconds(10), "q"));
  EXPECT_TRUE(finished(2).succeeded());
  for (const v1::WorkerMessage& message : scheduler_->heard()) {
    EXPECT_FALSE(message.has_finished() && message.finished().fence() == 1);
  }
}

TEST_F(AgentTest, SweepsDeadFencesAndKeepsOthers) {
  write_text(out_ / ".p.3.part", "dead");
  write_text(out_ / ".p.9.part", "alive");
  v1::Assign assign = probe(10, milliseconds(10));
  assign.add_dead_fences(3);
  scheduler_->assign(assign);
  EXPECT_TRUE(finished(10).succeeded());
  EXPECT_THAT(files(), ::testing::UnorderedElementsAre("p", ".p.9.part"));
}

TEST_F(AgentTest, ReportsTheProductThatAnEarlierAttemptPublished) {
  write_text(out_ / "p", "the product");
  v1::Assign assign = probe(10, seconds(1000));
  v1::RecordedIntent& intent = *assign.add_intents();
  intent.set_fence(3);
  v1::OutputFile& file = *intent.add_outputs();
  file.set_path("out:p");
  file.set_size_bytes(11);
  file.set_sha256(*sha256_of_file(out_ / "p"));
  scheduler_->assign(assign);
  const v1::Finished done = finished(10);
  EXPECT_TRUE(done.succeeded());
  EXPECT_EQ(done.recovered_fence(), 3);
  EXPECT_EQ(done.outputs(0).sha256(), file.sha256());
}

TEST_F(AgentTest, ThePrefetchedJobFollows) {
  scheduler_->assign(probe(1, milliseconds(200), "a"));
  v1::Assign next = probe(2, milliseconds(10), "b");
  next.set_prefetch(true);
  scheduler_->assign(next);
  EXPECT_TRUE(finished(1).succeeded());
  EXPECT_TRUE(finished(2).succeeded());
}

TEST_F(AgentTest, TellsHowSoonAJobComputedAndHowLongItsSlotStoodIdle) {
  scheduler_->assign(probe(1, milliseconds(200), "a"));
  scheduler_->assign(probe(2, milliseconds(10), "b"));
  v1::WorkerMessage first;
  v1::WorkerMessage second;
  const auto start_of = [](std::int64_t fence) {
    return
        [=](const v1::WorkerMessage& m) { return m.has_started() && m.started().fence() == fence; };
  };
  ASSERT_TRUE(scheduler_->wait_for(start_of(1), &first));
  ASSERT_TRUE(scheduler_->wait_for(start_of(2), &second));
  EXPECT_TRUE(first.started().has_start_seconds());
  EXPECT_FALSE(first.started().has_idle_seconds());
  EXPECT_FALSE(second.started().has_start_seconds());
  EXPECT_TRUE(second.started().has_idle_seconds());
  EXPECT_GE(second.started().idle_seconds(), 0);
}

TEST_F(AgentTest, ADeviceErrorIsTheOneJobsAndEndsTheProcess) {
  v1::Assign bad = probe(1, milliseconds(200), "a");
  bad.mutable_spec()->mutable_probe()->set_fault(v1::ProbeSpec::FAULT_DEVICE_ERROR);
  scheduler_->assign(bad);
  scheduler_->assign(probe(2, milliseconds(10), "b"));
  EXPECT_EQ(finished(1).error_class(), v1::ERROR_CLASS_DEVICE_ERROR);
  EXPECT_EQ(finished(2).error_class(), v1::ERROR_CLASS_PREEMPTED);
  thread_.join();
  EXPECT_TRUE(exit_.device_failed);
  EXPECT_TRUE(files().empty());
}

TEST_F(AgentTest, HeartbeatsCarryTheEnginesProgress) {
  scheduler_->assign(probe(1, seconds(1000)));
  EXPECT_TRUE(scheduler_->wait_for([](const v1::WorkerMessage& message) {
    return message.has_heartbeat() && message.heartbeat().held_leases_size() == 1 &&
           message.heartbeat().held_leases(0).progress().fraction() > 0;
  }));
  scheduler_->send(cancel(1));
}

TEST_F(AgentTest, PreloadAndEvictShowInTheHeartbeats) {
  v1::SchedulerMessage preload;
  preload.mutable_preload()->mutable_spec()->mutable_probe()->set_response_bytes(100);
  preload.mutable_preload()->mutable_plan()->set_response_key("r");
  scheduler_->wait_for([](const v1::WorkerMessage& message) { return message.has_heartbeat(); });
  scheduler_->send(preload);
  ASSERT_TRUE(scheduler_->wait_for([](const v1::WorkerMessage& message) {
    return message.has_heartbeat() && message.heartbeat().residency_size() == 1 &&
           message.heartbeat().residency(0).bytes() == 100;
  }));
  v1::SchedulerMessage evict;
  evict.mutable_evict()->set_key("r");
  scheduler_->send(evict);
  std::int64_t resident = 0;
  EXPECT_TRUE(scheduler_->wait_for([&](const v1::WorkerMessage& message) {
    const bool before = resident > 0;
    resident = message.has_heartbeat() ? message.heartbeat().residency_size() : resident;
    return before && resident == 0;
  }));
}

TEST_F(AgentTest, DrainingFinishesTheRunningJob) {
  scheduler_->assign(probe(1, milliseconds(300)));
  ASSERT_TRUE(wait_until_computing(1));
  drain();
  EXPECT_TRUE(finished(1).succeeded());
  EXPECT_FALSE(exit_.stuck);
  EXPECT_THAT(files(), ::testing::ElementsAre("p"));
}

}  // namespace
}  // namespace unfold::agent
