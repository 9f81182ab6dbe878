// Workers with a GPU: what fits, what becomes of jobs when it is too small, fails, or has a fault.
#include <gmock/gmock.h>

#include "tests/server/scheduler/core_fixture.h"

namespace unfold::server {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class Gpu : public CoreFixture {
 protected:
  static v1::Hello gpu(const std::string& worker, std::int64_t memory,
                       const std::string& incarnation = "first") {
    v1::Hello hello = hello_of(worker, incarnation);
    hello.set_host("node7");
    hello.set_device("cuda:0");
    hello.set_memory_bytes(memory);
    return hello;
  }
  static NewJob needing(std::int64_t response, std::int64_t device) {
    NewJob job = probe_job();
    job.plan.set_response_key("psf");
    job.plan.set_response_bytes(response);
    job.plan.set_device_bytes(device);
    return job;
  }
  void report(SessionId session, std::int64_t faults, const std::string& fault) {
    v1::WorkerMessage message;
    v1::DeviceHealth& health = *message.mutable_heartbeat()->mutable_health();
    health.set_faults(faults);
    health.set_fault(fault);
    step(SessionMessage{session, message});
  }
  v1::Worker worker(const std::string& name) {
    for (const v1::Worker& one : core->workers(now)) {
      if (one.name() == name) return one;
    }
    return {};
  }
};

TEST_F(Gpu, HoldsTheResponseAndWhatTheJobNeedsBesideIt) {
  say(1, gpu("small", 100));
  const std::string id = submit(needing(60, 60));
  EXPECT_FALSE(assigned(1).has_value());
  EXPECT_THAT(core->explain(id, now)->summary(), HasSubstr("fits into the memory of no connected"));
  EXPECT_THAT(core->explain(id, now)->details(0), HasSubstr("on the device, its cuda:0 has"));
  say(2, gpu("large", 120));
  ASSERT_TRUE(assigned(2).has_value());
  EXPECT_THAT(core->explain(id, now)->details(0), HasSubstr("it reserves 0.0 MiB"));
  EXPECT_EQ(job(id).attempts(0).device(), "cuda:0");
  EXPECT_EQ(job(id).attempts(0).memory_bytes(), 120);
}

TEST_F(Gpu, AnEngineThatItsWorkerRunsOnTheCpuNeedsNoneOfIt) {
  v1::Hello hello = gpu("w", 100);
  hello.add_cpu_engines("probe");
  say(1, hello);
  const std::string id = submit(needing(60, 60));
  ASSERT_TRUE(assigned(1).has_value());
  EXPECT_EQ(job(id).attempts(0).device(), "cpu");
}

TEST_F(Gpu, AJobThatOutgrewItGoesToALargerOne) {
  say(1, gpu("a", 100));
  const std::string id = submit(needing(10, 10));
  const v1::Assign first = assigned(1).value();
  start(1, first);
  say(2, gpu("b", 100));
  say(3, gpu("c", 200));
  fail(1, first, v1::ERROR_CLASS_OUT_OF_MEMORY);
  pass(seconds(2));
  EXPECT_FALSE(assigned(2).has_value());
  ASSERT_TRUE(assigned(3).has_value());
  EXPECT_EQ(assigned(3)->job_id(), id);
  EXPECT_FALSE(job(id).attempts(0).killed_worker());
  succeed(3, assigned(3).value());
  EXPECT_EQ(state(id), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(Gpu, AJobThatOutgrewTheLargestFailsAndSaysSo) {
  say(1, gpu("a", 100));
  say(2, gpu("b", 50));
  const std::string id = submit(needing(10, 60));
  fail(1, assigned(1).value(), v1::ERROR_CLASS_OUT_OF_MEMORY);
  EXPECT_EQ(state(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job(id).error_class(), v1::ERROR_CLASS_OUT_OF_MEMORY);
  EXPECT_THAT(job(id).message(), HasSubstr("no connected worker has a larger one"));
}

TEST_F(Gpu, WhatAJobOutgrewIsRememberedOverARestart) {
  say(1, gpu("a", 100));
  const std::string id = submit(needing(10, 10));
  say(2, gpu("c", 200));
  step(DrainWorker{.token = 1, .worker = "c"});
  fail(1, assigned(1).value(), v1::ERROR_CLASS_OUT_OF_MEMORY);
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  restart();
  pass(seconds(2));
  say(4, gpu("a", 100));
  EXPECT_FALSE(assigned(4).has_value());
  EXPECT_THAT(core->explain(id, now)->details(0), HasSubstr("ran out of memory on a GPU of"));
}

TEST_F(Gpu, ThatFailsChargesItsJobAndNotTheOneBehindIt) {
  say(1, gpu("w", 0));
  const std::string bad = submit(probe_job());
  const v1::Assign running = assigned(1).value();
  start(1, running);
  const std::string good = submit(probe_job());
  const v1::Assign waiting = assigned(1).value();
  ASSERT_TRUE(waiting.prefetch());
  fail(1, running, v1::ERROR_CLASS_DEVICE_ERROR);
  fail(1, waiting, v1::ERROR_CLASS_PREEMPTED);
  EXPECT_EQ(state(bad), v1::JOB_STATE_QUEUED);
  EXPECT_TRUE(job(bad).attempts(0).charged());
  EXPECT_FALSE(job(bad).attempts(0).killed_worker());
  EXPECT_FALSE(job(good).attempts(0).charged());
  EXPECT_EQ(worker("w").state(), v1::WORKER_STATE_DRAINING);
  EXPECT_EQ((core->counts(now).device_errors_total.at({"node7", "cuda:0"})), 1);
  say(2, gpu("w", 0, "second"));  // it started anew
  EXPECT_TRUE(assigned(2).has_value());
}

class Cordon : public Gpu {
 protected:
  /// A job runs on the worker "w" when its GPU has a fault.
  void SetUp() override {
    say(1, gpu("w", 0));
    id = submit(probe_job());
    assign = assigned(1).value();
    start(1, assign);
    report(1, 0, "");
    EXPECT_EQ(worker("w").state(), v1::WORKER_STATE_READY);
    report(1, 1, "Xid 79: the GPU has fallen off the bus");
  }
  std::string id;
  v1::Assign assign;
};

TEST_F(Cordon, IsShownWithItsReason) {
  EXPECT_EQ(worker("w").state(), v1::WORKER_STATE_CORDONED);
  EXPECT_THAT(worker("w").cordon(), HasSubstr("Xid 79"));
  EXPECT_EQ(worker("w").health().faults(), 1);
  const auto page = store.events(id, 0, 100);
  ASSERT_TRUE(page.ok());
  std::string said;
  for (const JobEvent& event : page->events) said += event.message + "\n";
  EXPECT_THAT(said, HasSubstr("its cuda:0 is cordoned (Xid 79"));
}

TEST_F(Cordon, TakesTheJobElsewhereUncharged) {
  EXPECT_EQ(count(1, v1::SchedulerMessage::kCancel), 1);
  fail(1, assign, v1::ERROR_CLASS_PREEMPTED);
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_FALSE(job(id).attempts(0).charged());
  EXPECT_THAT(core->explain(id, now)->details(0), HasSubstr("its cuda:0 is cordoned: Xid 79"));
  EXPECT_THAT(core->explain(id, now)->summary(), HasSubstr("draining or cordoned"));
  say(2, gpu("other", 0));
  EXPECT_EQ(assigned(2)->job_id(), id);
}

TEST_F(Cordon, ACudaErrorThatFollowsIsNotTheJobsEither) {
  fail(1, assign, v1::ERROR_CLASS_DEVICE_ERROR);
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job(id).attempts(0).error_class(), v1::ERROR_CLASS_PREEMPTED);
  EXPECT_FALSE(job(id).attempts(0).charged());
  EXPECT_EQ(worker("w").state(), v1::WORKER_STATE_CORDONED);
}

TEST_F(Cordon, IsOverWhenAnOperatorSaysSoUntilTheNextFault) {
  fail(1, assign, v1::ERROR_CLASS_PREEMPTED);
  step(DrainWorker{.token = 2, .worker = "w", .undrain = true});
  EXPECT_NE(worker("w").state(), v1::WORKER_STATE_CORDONED);
  report(1, 1, "Xid 79: the GPU has fallen off the bus");
  EXPECT_EQ(worker("w").cordon(), "");
  report(1, 2, "Xid 48: double-bit ECC error");
  EXPECT_THAT(worker("w").cordon(), HasSubstr("Xid 48"));
}

TEST_F(Cordon, IsOverWithANewProcess) {
  fail(1, assign, v1::ERROR_CLASS_PREEMPTED);
  say(2, gpu("w", 0, "second"));
  EXPECT_EQ(worker("w").state(), v1::WORKER_STATE_READY);
  EXPECT_EQ(assigned(2)->job_id(), id);
}

TEST_F(Cordon, OutlivesARestartOfTheScheduler) {
  fail(1, assign, v1::ERROR_CLASS_PREEMPTED);
  restart();
  v1::Hello hello = gpu("w", 0);
  hello.mutable_health()->set_faults(1);
  hello.mutable_health()->set_fault("Xid 79: the GPU has fallen off the bus");
  say(2, hello);
  EXPECT_EQ(worker("w").state(), v1::WORKER_STATE_CORDONED);
  EXPECT_FALSE(assigned(2).has_value());
}

}  // namespace
}  // namespace unfold::server
