#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "tests/server/scheduler/core_fixture.h"

namespace unfold::server {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using ::testing::HasSubstr;

class Requests : public CoreFixture {
 protected:
  absl::StatusOr<v1::Job> cancel(const std::string& id, const std::string& request_id = "") {
    CancelJobRequest request{
        .token = 2, .job_id = id, .stored = {}, .submitter = "ana", .request_id = request_id};
    if (core->live_job(id) == nullptr) {
      if (auto stored = store.get(id); stored.ok()) request.stored = *stored;
    }
    return answer(step(request));
  }
  absl::StatusOr<v1::Job> retry(const std::string& id, const std::string& request_id = "") {
    RetryJobRequest request;
    request.token = 3;
    request.job_id = id;
    request.submitter = "ana";
    request.request_id = request_id;
    if (core->live_job(id) == nullptr) {
      if (auto stored = store.get(id); stored.ok()) request.stored = *stored;
      request.stored_intents = *store.intents(id);
    }
    return answer(step(request));
  }
  static absl::StatusOr<v1::Job> answer(const Effects& effects) {
    const auto& body = effects.replies.at(0).body;
    if (!body.ok()) return body.status();
    return std::get<v1::Job>(*body);
  }
  static NewJob with_request(const std::string& id, const std::string& digest) {
    NewJob job = probe_job();
    job.request_id = id;
    job.request_digest = digest;
    return job;
  }
};

TEST_F(Requests, ASubmittedJobWaitsWithoutAnyWorker) {
  const auto job = try_submit(probe_job());
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(job->state(), v1::JOB_STATE_QUEUED);
  EXPECT_GT(job->revision(), 0);
}

TEST_F(Requests, TheSameRequestIdGivesTheSameJobAlsoAfterARestart) {
  const std::string first = submit(with_request("r", "d"));
  EXPECT_EQ(submit(with_request("r", "d")), first);
  restart();
  EXPECT_EQ(submit(with_request("r", "d")), first);
  EXPECT_EQ(store.list({})->jobs.size(), 1u);
}

TEST_F(Requests, TheSameRequestIdWithAnotherBodyIsRefused) {
  submit(with_request("r", "d"));
  const auto refused = try_submit(with_request("r", "other"));
  EXPECT_TRUE(absl::IsAlreadyExists(refused.status()));
  EXPECT_EQ(reason_of(refused.status()), "REQUEST_ID_REUSED");
  EXPECT_EQ(field_of(refused.status()), "request_id");
}

TEST_F(Requests, RequestIdsBelongToTheirCallerAndAreForgottenAfterSevenDays) {
  const std::string first = submit(with_request("r", "d"));
  NewJob other = with_request("r", "d");
  other.submitter = "bob";
  EXPECT_NE(submit(other), first);
  advance(hours(24 * 7 + 1));
  EXPECT_NE(submit(with_request("r", "d")), first);
}

TEST_F(Requests, AFullQueueRefusesWithTheRemedy) {
  config.max_queued = 2;
  restart();
  submit(probe_job());
  submit(probe_job());
  const auto refused = try_submit(probe_job());
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_EQ(reason_of(refused.status()), "QUEUE_FULL");
}

TEST_F(Requests, ADescriptionThatIsTooBigIsRefused) {
  NewJob job = probe_job();
  job.spec.mutable_probe()->set_output(std::string(config.max_spec_bytes, 'x'));
  const auto refused = try_submit(job);
  EXPECT_TRUE(absl::IsInvalidArgument(refused.status()));
  EXPECT_EQ(field_of(refused.status()), "spec");
}

TEST_F(Requests, AQueuedJobIsCancelledAtOnceAndNeverRuns) {
  const std::string id = submit(probe_job());
  EXPECT_EQ(cancel(id)->state(), v1::JOB_STATE_CANCELLED);
  connect(1, "w");
  EXPECT_FALSE(assigned(1).has_value());
  EXPECT_EQ(cancel(id)->state(), v1::JOB_STATE_CANCELLED);  // idempotent
}

TEST_F(Requests, ARunningJobIsCancellingUntilTheWorkerConfirms) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  start(1, assign);
  EXPECT_TRUE(cancel(id)->cancelling());
  EXPECT_EQ(last(1).cancel().reason(), v1::ERROR_CLASS_CANCELLED);
  EXPECT_FALSE(ask_to_publish(1, assign));
  fail(1, assign, v1::ERROR_CLASS_CANCELLED);
  EXPECT_EQ(state(id), v1::JOB_STATE_CANCELLED);
  EXPECT_FALSE(job(id).cancelling());
}

TEST_F(Requests, OrUntilItsLeaseEndsHoweverManyHeartbeatsShowIt) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  start(1, assign);
  cancel(id).IgnoreError();
  for (int i = 0; i < 10; ++i) {
    advance(seconds(2));
    heartbeat(1, {held(assign)});
  }
  EXPECT_EQ(state(id), v1::JOB_STATE_CANCELLED);
}

TEST_F(Requests, ACancelIsRepeatedToAWorkerThatComesBack) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  step(SessionClosed{1});
  cancel(id).IgnoreError();
  v1::Hello again = hello_of("w", "first");
  *again.add_held_leases() = held(assign);
  say(2, again);
  EXPECT_EQ(count(2, v1::SchedulerMessage::kCancel), 1);
}

TEST_F(Requests, ARepeatedCancelDoesNotCancelWhatWasRetriedSince) {
  const std::string id = submit(probe_job());
  EXPECT_EQ(cancel(id, "once")->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(retry(id)->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(cancel(id, "once")->state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(cancel(id, "another")->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(cancel(id, "once")->state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(Requests, ARepeatedDrainDoesNotDrainWhatWasUndrainedSince) {
  connect(1, "w");
  const DrainWorker drain{.token = 5, .worker = "w", .submitter = "ana", .request_id = "once"};
  step(drain);
  EXPECT_EQ(core->workers(now).at(0).state(), v1::WORKER_STATE_DRAINING);
  step(DrainWorker{.token = 6, .worker = "w", .undrain = true});
  const Effects repeat = step(drain);
  EXPECT_EQ(std::get<WorkerReply>(*repeat.replies.at(0).body).worker.name(), "w");
  EXPECT_EQ(core->workers(now).at(0).state(), v1::WORKER_STATE_READY);
}

TEST_F(Requests, ASucceededJobCannotBeCancelledOrRetried) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  succeed(1, assigned(1).value());
  EXPECT_TRUE(absl::IsFailedPrecondition(cancel(id).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(retry(id).status()));
  EXPECT_TRUE(absl::IsNotFound(cancel("none").status()));
  EXPECT_TRUE(absl::IsNotFound(retry("none").status()));
}

TEST_F(Requests, AFailedJobIsRetriedUnderItsOwnIdWithWhatItsAttemptsLeft) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign first = assigned(1).value();
  ASSERT_TRUE(ask_to_publish(1, first));
  fail(1, first, v1::ERROR_CLASS_INPUT_ERROR);
  ASSERT_EQ(state(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(retry(id, "again")->id(), id);
  const v1::Assign second = assigned(1).value();
  EXPECT_EQ(second.attempt(), 2);
  EXPECT_EQ(second.dead_fences(0), first.fence());
  EXPECT_EQ(second.intents(0).fence(), first.fence());
  EXPECT_EQ(retry(id, "again")->id(), id);  // the same request: no error, no second run
  EXPECT_TRUE(absl::IsFailedPrecondition(retry(id, "another").status()));
}

TEST_F(Requests, ADeadlineExpiresAJobThatCouldNotRun) {
  NewJob late = probe_job();
  late.spec.mutable_deadline()->set_seconds(now.unix_ns / 1'000'000'000 + 60);
  const std::string id = submit(late);
  pass(seconds(59));
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  pass(seconds(2));
  EXPECT_EQ(state(id), v1::JOB_STATE_EXPIRED);
  EXPECT_EQ(core->counts(now).deadline_misses_total, 1);
}

TEST_F(Requests, ARunningJobOutlivesItsDeadline) {
  connect(1, "w");
  NewJob late = probe_job();
  late.spec.mutable_deadline()->set_seconds(now.unix_ns / 1'000'000'000 + 5);
  const std::string id = submit(late);
  start(1, assigned(1).value());
  pass(seconds(6));
  EXPECT_EQ(state(id), v1::JOB_STATE_RUNNING);
}

TEST_F(Requests, TheRunTimeLimitStopsAJobForGood) {
  connect(1, "w");
  NewJob slow = probe_job();
  slow.spec.mutable_run_timeout()->set_seconds(5);
  const std::string id = submit(slow);
  const v1::Assign assign = assigned(1).value();
  start(1, assign);
  pass(seconds(5));
  EXPECT_EQ(last(1).cancel().reason(), v1::ERROR_CLASS_TIMEOUT);
  fail(1, assign, v1::ERROR_CLASS_CANCELLED);
  EXPECT_EQ(state(id), v1::JOB_STATE_FAILED);
  EXPECT_EQ(job(id).error_class(), v1::ERROR_CLASS_TIMEOUT);
}

TEST_F(Requests, AnOutputErrorIsTriedAgainAfterItsBackOff) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  fail(1, assigned(1).value(), v1::ERROR_CLASS_OUTPUT_ERROR);
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(core->explain(id, now)->summary(), HasSubstr("before the next attempt"));
  pass(seconds(1));
  EXPECT_EQ(assigned(1)->attempt(), 2);
}

TEST_F(Requests, ThreeWorkersKilledQuarantineTheJobAndSpareTheOneThatWaited) {
  NewJob first = probe_job();
  first.spec.set_priority(1);
  const std::string poison = submit(first);
  const std::string innocent = submit(probe_job());
  for (SessionId life = 1; life <= 3; ++life) {
    connect(life, "w", absl::StrCat("life", life));
    ASSERT_EQ(job(poison).state(), v1::JOB_STATE_LOADING) << life;
  }
  connect(4, "w", "life4");
  EXPECT_EQ(state(poison), v1::JOB_STATE_QUARANTINED);
  EXPECT_EQ(job(poison).attempts_size(), 3);
  const v1::Job spared = job(innocent);
  for (const v1::Attempt& attempt : spared.attempts()) EXPECT_FALSE(attempt.charged());
  EXPECT_EQ(assigned(4)->job_id(), innocent);
}

TEST_F(Requests, ADrainedWorkerFinishesAndTakesNothingNewEvenAfterARestart) {
  connect(1, "w");
  const std::string running = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  const std::string waiting = submit(probe_job());  // prefetched
  step(DrainWorker{.token = 5, .worker = "w"});
  EXPECT_EQ(last(1).cancel().job_id(), waiting);
  EXPECT_EQ(last(1).cancel().reason(), v1::ERROR_CLASS_PREEMPTED);
  fail(1, assigned(1).value(), v1::ERROR_CLASS_PREEMPTED);
  succeed(1, assign);
  EXPECT_EQ(state(running), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(state(waiting), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(core->explain(waiting, now)->summary(), HasSubstr("draining"));
  restart();
  connect(2, "w");
  EXPECT_FALSE(assigned(2).has_value());
  EXPECT_TRUE(last(2).has_drain());
  step(DrainWorker{.token = 6, .worker = "w", .undrain = true});
  EXPECT_EQ(assigned(2)->job_id(), waiting);
  EXPECT_FALSE(job(waiting).attempts(0).charged());
}

TEST_F(Requests, AWorkerThatGivesWorkBackUnaskedGetsNoMore) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  fail(1, assigned(1).value(), v1::ERROR_CLASS_PREEMPTED);
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(core->workers(now).at(0).state(), v1::WORKER_STATE_DRAINING);
  connect(2, "other");
  EXPECT_EQ(assigned(2)->job_id(), id);
}

TEST_F(Requests, PreloadGoesToTheWorkerWithMostRoomAndEvictToThoseThatHaveIt) {
  v1::Hello small = hello_of("small", "i");
  small.set_memory_bytes(100);
  v1::Hello large = hello_of("large", "i");
  large.set_memory_bytes(1000);
  large.add_residency()->set_key("psf");
  say(1, small);
  say(2, large);
  PreloadRequested preload{.token = 7, .job = probe_job(), .worker = ""};
  preload.job.plan.set_response_key("psf2");
  const Effects effects = step(preload);
  EXPECT_EQ(std::get<PreloadReply>(*effects.replies.at(0).body).worker, "large");
  EXPECT_TRUE(last(2).has_preload());
  preload.worker = "none";
  EXPECT_TRUE(absl::IsNotFound(step(preload).replies.at(0).body.status()));
  const Effects evict = step(EvictRequested{.token = 8, .key = "psf", .worker = ""});
  EXPECT_EQ(std::get<EvictReply>(*evict.replies.at(0).body).workers, 1);
  EXPECT_EQ(last(2).evict().key(), "psf");
}

TEST_F(Requests, AnExposureIsStoredWithItsJobsAndRepeatedById) {
  SubmitJobs event;
  event.token = 9;
  NewJob frame = probe_job();
  frame.spec.mutable_extraction()->set_camera("r0");
  frame.exposure = "20261120-00000001";
  event.jobs = {frame};
  event.exposure.emplace().set_id(frame.exposure);
  event.exposure->add_cameras()->set_camera("b0");
  event.exposure->mutable_cameras(0)->set_problem("no psf file");
  event.exposure->add_cameras()->set_camera("r0");
  event.exposure_request_id = "night";
  const Effects effects = step(event);
  const auto& reply = std::get<SubmitReply>(*effects.replies.at(0).body);
  EXPECT_EQ(reply.exposure->cameras(1).job_id(), reply.jobs.at(0)->id());
  EXPECT_EQ(store.exposure(frame.exposure)->cameras(1).state(), v1::JOB_STATE_QUEUED);
  const Effects repeat = step(event);
  EXPECT_EQ(std::get<SubmitReply>(*repeat.replies.at(0).body).exposure->id(), frame.exposure);
  EXPECT_EQ(store.list({})->jobs.size(), 1u);
}

TEST_F(Requests, AnExposureIsRepeatedByIdEvenIfEveryCameraWouldBeRefusedNow) {
  SubmitJobs event;
  event.token = 9;
  NewJob frame = probe_job();
  frame.spec.mutable_extraction()->set_camera("r0");
  frame.exposure = "20261120-00000001";
  event.jobs = {frame};
  event.exposure.emplace().set_id(frame.exposure);
  event.exposure->add_cameras()->set_camera("r0");
  event.exposure_request_id = "night";
  event.exposure_submitter = "ana";
  step(event);
  event.jobs.clear();  // its own product is in the way
  event.exposure->mutable_cameras(0)->set_problem("the output exists");
  const Effects repeat = step(event);
  EXPECT_TRUE(repeat.writes.empty());
  EXPECT_EQ(store.exposure(frame.exposure)->cameras(0).problem(), "");
}

TEST_F(Requests, CountsFollowTheJobs) {
  connect(1, "w");
  const std::string first = submit(probe_job());
  submit(probe_job());
  submit(probe_job());
  advance(seconds(10));
  CoreCounts counts = core->counts(now);
  EXPECT_EQ((counts.live_jobs[{"probe", v1::JOB_STATE_LOADING}]), 2);
  EXPECT_EQ((counts.live_jobs[{"probe", v1::JOB_STATE_QUEUED}]), 1);
  EXPECT_EQ(counts.leases, 2);
  EXPECT_EQ(counts.submitted_total["test"], 3);
  EXPECT_NEAR(counts.oldest_queued_seconds["probe"], 10, 1e-6);
  cancel(first).IgnoreError();
  heartbeat(1, {});
  EXPECT_EQ(core->counts(now).placements_prefetch_total, 1);
}

}  // namespace
}  // namespace unfold::server
