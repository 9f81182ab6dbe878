#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/server/scheduler/core_fixture.h"

namespace unfold::server {
namespace {

using std::chrono::seconds;

using Sessions = CoreFixture;

TEST_F(Sessions, AJobGoesThroughItsWholeLife) {
  connect(1, "w");
  EXPECT_TRUE(inbox[1].front().has_welcome());
  const std::string id = submit(probe_job());
  EXPECT_EQ(state(id), v1::JOB_STATE_LOADING);
  const v1::Assign assign = assigned(1).value();
  EXPECT_EQ(assign.job_id(), id);
  EXPECT_EQ(assign.attempt(), 1);
  start(1, assign);
  EXPECT_EQ(state(id), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(ask_to_publish(1, assign));
  EXPECT_EQ(state(id), v1::JOB_STATE_PUBLISHING);
  succeed(1, assign);
  EXPECT_TRUE(last(1).has_finished_ack());
  EXPECT_EQ(state(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(core->live_job(id), nullptr);
  EXPECT_TRUE(store.load()->leases.empty());
}

TEST_F(Sessions, AnAssignmentIsOnRecordBeforeItIsSent) {
  connect(1, "w");
  Effects effects = core->step(SubmitJobs{1, {probe_job()}, {}, "", ""}, now);
  ASSERT_TRUE(effects.sends.at(0).message.has_assign());
  ASSERT_TRUE(store.commit(effects.writes, effects.log).ok());
  EXPECT_EQ(store.load()->leases.at(0).fence, effects.sends.at(0).message.assign().fence());
  EXPECT_EQ(store.load()->last_fence, effects.sends.at(0).message.assign().fence());
}

TEST_F(Sessions, OnlyLeasesThatAHeartbeatShowsAreRenewed) {
  v1::Hello hello = hello_of("w", "first");
  hello.set_slots(2);
  say(1, hello);
  const std::string shown = submit(probe_job());
  const v1::Assign shown_assign = assigned(1).value();
  const std::string stuck = submit(probe_job());
  for (int i = 0; i < 10; ++i) {
    advance(seconds(2));
    heartbeat(1, {held(shown_assign)});
  }
  EXPECT_EQ(state(shown), v1::JOB_STATE_LOADING);
  EXPECT_EQ(job(stuck).attempts(0).error_class(), v1::ERROR_CLASS_WORKER_LOST);
  EXPECT_EQ(count(1, v1::SchedulerMessage::kAbandon), 1);
}

TEST_F(Sessions, APictureOfARunningJobIsShownAndNotStored) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  start(1, assign);
  v1::HeldLease lease = held(assign);
  lease.mutable_progress()->set_done(3);
  lease.mutable_progress()->set_preview_png("picture");
  heartbeat(1, {lease});
  EXPECT_EQ(core->live_job(id)->progress().preview_png(), "picture");
  const auto stored = store.get(id);
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->progress().done(), 3);
  EXPECT_TRUE(stored->progress().preview_png().empty());
}

TEST_F(Sessions, AHeartbeatIsAcknowledgedBySequence) {
  connect(1, "w");
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_sequence(42);
  step(SessionMessage{1, message});
  EXPECT_EQ(last(1).heartbeat_ack().sequence(), 42);
}

TEST_F(Sessions, AReconnectWithinTheLeaseKeepsTheJobAndIsNoAttempt) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  start(1, assign);
  step(SessionClosed{1});
  pass(seconds(14));
  v1::Hello again = hello_of("w", "first");
  *again.add_held_leases() = held(assign);
  say(2, again);
  EXPECT_EQ(inbox[2].front().welcome().adopted_leases(0), assign.lease_id());
  pass(seconds(14));
  EXPECT_EQ(state(id), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(job(id).attempts_size(), 1);
  succeed(2, assign);
  EXPECT_EQ(state(id), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(Sessions, ALeaseEndsFifteenSecondsAfterTheLastHeartbeat) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  start(1, assigned(1).value());
  advance(seconds(3));
  heartbeat(1, {held(assigned(1).value())});
  pass(seconds(15) - Duration(1));
  EXPECT_EQ(state(id), v1::JOB_STATE_RUNNING);
  pass(Duration(1));
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(closed, std::vector<SessionId>{1});
}

TEST_F(Sessions, ANewProcessOfTheSameNameEndsTheOldOnesLeasesAtOnce) {
  connect(1, "w", "old");
  const std::string id = submit(probe_job());
  start(1, assigned(1).value());
  connect(2, "w", "new");
  EXPECT_EQ(job(id).attempts(0).error_class(), v1::ERROR_CLASS_WORKER_LOST);
  EXPECT_TRUE(job(id).attempts(0).killed_worker());
  EXPECT_EQ(assigned(2)->job_id(), id);
  EXPECT_EQ(assigned(2)->dead_fences(0), assigned(1)->fence());
  EXPECT_EQ(closed, std::vector<SessionId>{1});
}

TEST_F(Sessions, AReplacedProcessThatComesBackIsTurnedAway) {
  connect(1, "w", "old");
  const std::string id = submit(probe_job());
  const v1::Assign old = assigned(1).value();
  connect(2, "w", "new");
  v1::Hello back = hello_of("w", "old");
  *back.add_held_leases() = held(old);
  say(3, back);
  EXPECT_EQ(count(3, v1::SchedulerMessage::kAbandon), 1);
  EXPECT_EQ(closed.back(), 3u);
  EXPECT_EQ(assigned(2)->job_id(), id);
}

TEST_F(Sessions, AZombieMayNotPublish) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign zombie = assigned(1).value();
  start(1, zombie);
  pass(seconds(15));  // frozen: no heartbeat, session open
  connect(2, "other");
  ASSERT_EQ(assigned(2)->job_id(), id);
  v1::Hello awake = hello_of("w", "first");
  *awake.add_held_leases() = held(zombie);
  say(3, awake);
  EXPECT_EQ(count(3, v1::SchedulerMessage::kAbandon), 1);
  EXPECT_FALSE(ask_to_publish(3, zombie));
  EXPECT_EQ(core->counts(now).fenced_publishes_total, 1);
  EXPECT_TRUE(ask_to_publish(2, assigned(2).value()));
}

TEST_F(Sessions, TheNextAssignmentNamesDeadFencesAndRecordedIntents) {
  connect(1, "w");
  submit(probe_job());
  const v1::Assign first = assigned(1).value();
  ASSERT_TRUE(ask_to_publish(1, first));
  step(SessionClosed{1});
  pass(seconds(15));
  connect(2, "other");
  const v1::Assign second = assigned(2).value();
  EXPECT_GT(second.fence(), first.fence());
  EXPECT_EQ(second.dead_fences(0), first.fence());
  EXPECT_EQ(second.intents(0).fence(), first.fence());
  EXPECT_EQ(second.intents(0).outputs(0).path(), "out:product");
}

TEST_F(Sessions, ARecoveredProductCountsAsSuccess) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign first = assigned(1).value();
  ask_to_publish(1, first);
  connect(2, "w", "new");
  v1::Finished finished = outcome(assigned(2).value());
  finished.set_succeeded(true);
  finished.set_recovered_fence(first.fence());
  finished.add_outputs()->set_path("out:product");
  finish(2, finished);
  EXPECT_EQ(state(id), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(Sessions, AProductThatIsNotOnRecordIsNoSuccess) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  v1::Finished finished = outcome(assigned(1).value());
  finished.set_succeeded(true);
  finished.add_outputs()->set_path("out:product");
  finish(1, finished);
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job(id).attempts(0).error_class(), v1::ERROR_CLASS_ENGINE_ERROR);
}

TEST_F(Sessions, ARepeatedFinishedIsAcknowledgedAgainAndChangesNothing) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  succeed(1, assign);
  const std::int64_t revision = job(id).revision();
  connect(2, "w");
  succeed(2, assign);
  EXPECT_EQ(last(2).finished_ack().lease_id(), assign.lease_id());
  EXPECT_EQ(job(id).revision(), revision);
}

TEST_F(Sessions, AWorkerThatSaysItIsLeavingGetsNothingMore) {
  connect(1, "w");
  v1::WorkerMessage leaving;
  leaving.mutable_heartbeat()->set_draining(true);
  step(SessionMessage{1, leaving});
  submit(probe_job());
  EXPECT_FALSE(assigned(1).has_value());
  connect(2, "other");
  EXPECT_TRUE(assigned(2).has_value());
}

TEST_F(Sessions, AnAssignmentLostWithItsSessionIsNotCharged) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  step(SessionClosed{1});
  connect(2, "w");  // same process, and it holds nothing
  pass(seconds(4));
  ASSERT_EQ(job(id).attempts_size(), 2);
  EXPECT_EQ(job(id).attempts(0).error_class(), v1::ERROR_CLASS_PREEMPTED);
  EXPECT_FALSE(job(id).attempts(0).charged());
  EXPECT_EQ(assigned(2)->attempt(), 2);
}

TEST_F(Sessions, LeasesLiveOnAfterARestartUntilTheAdoptionEnds) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  const v1::Assign assign = assigned(1).value();
  start(1, assign);
  restart();
  pass(seconds(29));
  EXPECT_EQ(state(id), v1::JOB_STATE_RUNNING);
  v1::Hello again = hello_of("w", "first");
  *again.add_held_leases() = held(assign);
  say(2, again);
  EXPECT_EQ(inbox[2].front().welcome().adopted_leases_size(), 1);
  pass(seconds(14));
  succeed(2, assign);
  EXPECT_EQ(state(id), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(job(id).attempts_size(), 1);
}

TEST_F(Sessions, AWorkerThatDoesNotComeBackAfterARestartIsNotTheJobsFault) {
  connect(1, "w");
  const std::string id = submit(probe_job());
  start(1, assigned(1).value());
  restart();
  pass(seconds(30));
  EXPECT_EQ(state(id), v1::JOB_STATE_QUEUED);
  EXPECT_FALSE(job(id).attempts(0).charged());
  EXPECT_TRUE(core->workers(now).empty());
}

TEST_F(Sessions, AMessageBeforeHelloClosesTheSession) {
  v1::WorkerMessage message;
  message.mutable_heartbeat();
  step(SessionMessage{9, message});
  EXPECT_EQ(closed, std::vector<SessionId>{9});
}

TEST_F(Sessions, AWorkerWithoutIdentityGetsNoJob) {
  submit(probe_job());
  connect(1, "", "x");
  connect(2, "w", "");
  EXPECT_EQ(closed, (std::vector<SessionId>{1, 2}));
  EXPECT_FALSE(assigned(1).has_value() || assigned(2).has_value());
}

TEST_F(Sessions, WorkersThatComeAndGoLeaveNothingBehind) {
  for (SessionId session = 1; session <= 200; ++session) {
    connect(session, absl::StrCat("w", session));
    step(SessionClosed{session});
  }
  EXPECT_TRUE(core->workers(now).empty());
}

}  // namespace
}  // namespace unfold::server
