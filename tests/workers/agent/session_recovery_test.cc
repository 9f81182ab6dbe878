#include "tests/workers/agent/session_fixture.h"

namespace unfold::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(Session, FinishedIsRepeatedUntilAcknowledged) {
  assign(kFence);
  end(absl::OkStatus());
  EXPECT_EQ(finished().size(), 1u);
  pass(seconds(10));
  EXPECT_GE(finished().size(), 2u);
  finished_ack(kFence);
  effects.clear();
  pass(seconds(10));
  EXPECT_TRUE(finished().empty());
  EXPECT_EQ(last_heartbeat().held_leases_size(), 0);
}

TEST_F(Session, ALostSessionEndsNoWorkAndIsOpenedAgainWithBackOff) {
  assign(kFence);
  const std::int64_t first = session;
  std::vector<Duration> waits;
  for (int i = 0; i < 7; ++i) {
    take(core.disconnected(session, now));
    waits.push_back(core.next_timer() - now);
    now = core.next_timer();
    take(core.timer(now));
  }
  EXPECT_THAT(waits, ElementsAre(milliseconds(100), milliseconds(200), milliseconds(400),
                                 milliseconds(800), milliseconds(1600), seconds(2), seconds(2)));
  EXPECT_EQ(session, first + 7);
  EXPECT_THAT(stopped(), IsEmpty());
  const v1::WorkerMessage hello = sent().back();
  ASSERT_EQ(hello.hello().held_leases_size(), 1);
  EXPECT_EQ(hello.hello().held_leases(0).fence(), kFence);
}

TEST_F(Session, AdoptionRevivesALeaseAndWhatWasUnansweredIsSaidAgain) {
  assign(kFence);
  take(core.response_ready(kFence, {.response_hit = true}));
  take(core.disconnected(session, now));
  take(core.want_intent(kFence, {}));  // while nobody listens
  now += seconds(20);
  EXPECT_FALSE(core.lease_alive(kFence, now));
  take(core.timer(now));
  effects.clear();
  welcome({"lease 7"});
  EXPECT_TRUE(core.lease_alive(kFence, now));
  ASSERT_EQ(sent().size(), 2u);
  EXPECT_TRUE(sent()[0].has_started());
  EXPECT_TRUE(sent()[1].has_publish_intent());
}

TEST_F(Session, WhatIsNotAdoptedIsGivenUp) {
  assign(kFence);
  take(core.disconnected(session, now));
  now += seconds(1);
  take(core.timer(now));
  welcome({});
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  EXPECT_FALSE(core.lease_alive(kFence, now));
}

TEST_F(Session, AnOutcomeReachedWhileAloneIsReportedAfterTheWelcome) {
  assign(kFence);
  take(core.disconnected(session, now));
  end(absl::OkStatus());
  EXPECT_TRUE(finished().empty());
  now += seconds(1);
  take(core.timer(now));
  welcome({});
  ASSERT_EQ(finished().size(), 1u);
  EXPECT_TRUE(finished()[0].succeeded());
}

TEST_F(Session, ASchedulerThatAnswersNothingForALeaseIsLeft) {
  const std::int64_t first = session;
  pass(seconds(14), false);
  EXPECT_EQ(session, first);
  pass(seconds(2), false);
  EXPECT_GT(session, first);
}

TEST_F(Session, MessagesOfAnEarlierSessionAreIgnored) {
  const std::int64_t old = session;
  take(core.disconnected(session, now));
  now += seconds(1);
  take(core.timer(now));
  v1::SchedulerMessage late;
  late.mutable_assign()->set_fence(kFence);
  take(core.message(old, late, now));
  take(core.disconnected(old, now));
  EXPECT_THAT(wanted<StartWork>(), IsEmpty());
  welcome({});
  pass(seconds(3));
  EXPECT_EQ(session, old + 1);
}

TEST_F(Session, AnOutcomeOutOfLeaseIsReportedAsItIs) {
  assign(kFence);
  end(absl::AbortedError("lease ended"), v1::ERROR_CLASS_WORKER_LOST);
  ASSERT_EQ(finished().size(), 1u);
  // PREEMPTED would say that this worker is leaving.
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_WORKER_LOST);
}

TEST_F(Session, DrainingLetsRunningWorkEndAndGivesTheRestBack) {
  assign(kFence, "running");
  core.phase(kFence, Phase::kComputing, now);
  assign(kFence + 1, "waiting");
  take(core.drain(now));
  EXPECT_TRUE(last_heartbeat().draining());
  EXPECT_THAT(stopped(), ElementsAre(kFence + 1));
  take(core.ended(kFence + 1, {.status = absl::CancelledError()}, now));
  EXPECT_EQ(finished().back().error_class(), v1::ERROR_CLASS_PREEMPTED);
  finished_ack(kFence + 1);
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
  end(absl::OkStatus());
  finished_ack(kFence);
  ASSERT_EQ(wanted<Exit>().size(), 1u);
  EXPECT_FALSE(wanted<Exit>()[0].stuck);
}

TEST_F(Session, DrainingStopsWhatRunsPastTheTimeout) {
  assign(kFence);
  core.phase(kFence, Phase::kComputing, now);
  take(core.drain(now));
  pass(seconds(9));
  EXPECT_THAT(stopped(), IsEmpty());
  pass(seconds(2));
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  end(absl::CancelledError());
  EXPECT_EQ(finished().back().error_class(), v1::ERROR_CLASS_PREEMPTED);
  finished_ack(kFence);
  EXPECT_EQ(wanted<Exit>().size(), 1u);
}

TEST_F(Session, AnAssignmentThatComesWhileDrainingIsGivenBackWithTheNextHeartbeat) {
  assign(kFence, "running");
  core.phase(kFence, Phase::kComputing, now);
  take(core.drain(now));
  effects.clear();
  assign(kFence + 1, "late");
  EXPECT_THAT(effects, IsEmpty());
  pass(seconds(2));
  EXPECT_THAT(wanted<StartWork>(), IsEmpty());
  ASSERT_EQ(finished().size(), 1u);
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_PREEMPTED);
}

TEST_F(Session, AnIdleWorkerDrainsAtOnce) {
  take(core.drain(now));
  EXPECT_EQ(wanted<Exit>().size(), 1u);
}

TEST_F(Session, DrainingWithoutASchedulerStillEnds) {
  assign(kFence);
  take(core.disconnected(session, now));
  end(absl::OkStatus());
  take(core.drain(now));
  pass(seconds(30), false);
  ASSERT_EQ(wanted<Exit>().size(), 1u);
  EXPECT_FALSE(wanted<Exit>()[0].stuck);
}

}  // namespace
}  // namespace unfold::agent
