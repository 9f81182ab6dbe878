// GPUs where engines hang: the attempt, the row of hangs, the cordon and its end.
#include <gmock/gmock.h>

#include "tests/server/scheduler/core_fixture.h"

namespace unfold::server {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class Hang : public CoreFixture {
 protected:
  void connect_gpu(SessionId session, const std::string& incarnation) {
    v1::Hello hello = hello_of("w", incarnation);
    hello.set_host("node7");
    hello.set_device("cuda:0");
    say(session, hello);
  }
  v1::Assign begin(SessionId session, const std::string& stage) {
    const v1::Assign assign = assigned(session).value();
    start(session, assign);
    v1::HeldLease lease = held(assign);
    lease.mutable_progress()->set_stage(stage);
    heartbeat(session, {lease});
    return assign;
  }
  /// The worker still speaks, but no more of this job.
  void fall_silent(SessionId session) {
    for (int i = 0; i < 16; ++i) {
      pass(seconds(1));
      heartbeat(session, {});
    }
  }
  /// A new job in a new process of the worker; its id.
  std::string hang(SessionId session, const std::string& stage = "compute") {
    connect_gpu(session, "process " + std::to_string(session));
    const std::string id = submit(probe_job());
    begin(session, stage);
    fall_silent(session);
    return id;
  }
  v1::Worker worker() { return core->workers(now).front(); }
  bool charged(const std::string& id) { return job(id).attempts(0).charged(); }
};

TEST_F(Hang, OfOneJobIsChargedToItAndCordonsNothing) {
  const std::string id = hang(1);
  EXPECT_EQ(job(id).attempts(0).error_class(), v1::ERROR_CLASS_WORKER_LOST);
  EXPECT_THAT(job(id).attempts(0).message(), HasSubstr("its engine hung on cuda:0"));
  EXPECT_TRUE(charged(id));
  EXPECT_FALSE(job(id).attempts(0).killed_worker());
  EXPECT_EQ(worker().state(), v1::WORKER_STATE_READY);
}

TEST_F(Hang, OfTwoJobsInARowCordonsTheGpuOverProcessesUntilAnOperatorSaysSo) {
  const std::string first = hang(1);
  step(CancelJobRequest{.token = 1, .job_id = first, .stored = {}});
  const std::string second = hang(2);
  EXPECT_FALSE(charged(second));
  EXPECT_EQ(worker().state(), v1::WORKER_STATE_CORDONED);
  EXPECT_THAT(worker().cordon(), HasSubstr("2 jobs in a row hung there: " + first));
  EXPECT_EQ((core->counts(now).hangs_total.at({"node7", "cuda:0"})), 2);
  connect_gpu(3, "third");
  EXPECT_EQ(worker().state(), v1::WORKER_STATE_CORDONED);
  EXPECT_FALSE(assigned(3).has_value());
  step(DrainWorker{.token = 2, .worker = "w", .undrain = true});
  EXPECT_EQ(worker().state(), v1::WORKER_STATE_READY);
  EXPECT_TRUE(assigned(3).has_value());
}

TEST_F(Hang, OfOneJobAgainAndAgainIsTheJobs) {
  const std::string id = hang(1);
  connect_gpu(2, "second");
  pass(seconds(5));
  ASSERT_EQ(begin(2, "compute").job_id(), id);
  fall_silent(2);
  EXPECT_TRUE(job(id).attempts(1).charged());
  EXPECT_NE(worker().state(), v1::WORKER_STATE_CORDONED);
}

TEST_F(Hang, IsForgottenOnceAJobSucceedsThere) {
  const std::string first = hang(1);
  step(CancelJobRequest{.token = 1, .job_id = first, .stored = {}});
  connect_gpu(2, "second");
  submit(probe_job());
  succeed(2, begin(2, "compute"));
  hang(3);
  EXPECT_NE(worker().state(), v1::WORKER_STATE_CORDONED);
}

TEST_F(Hang, OfAFileSystemIsNotTheGpus) {
  const std::string first = hang(1, "write");
  step(CancelJobRequest{.token = 1, .job_id = first, .stored = {}});
  hang(2, "write");
  EXPECT_NE(worker().state(), v1::WORKER_STATE_CORDONED);
  EXPECT_TRUE(core->counts(now).hangs_total.empty());
}

TEST_F(Hang, IsToldByAWorkerWhoseEngineDoesNotReact) {
  connect_gpu(1, "first");
  submit(probe_job());
  v1::Finished finished = outcome(begin(1, "compute"));
  finished.set_error_class(v1::ERROR_CLASS_TIMEOUT);
  finished.set_stuck(true);
  finish(1, finished);
  EXPECT_EQ((core->counts(now).hangs_total.at({"node7", "cuda:0"})), 1);
}

}  // namespace
}  // namespace unfold::server
