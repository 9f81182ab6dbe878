#include "workers/agent/session_core.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"

namespace unfold::agent {
namespace {

using google::protobuf::util::TimeUtil;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Permit = SessionCore::Permit;

constexpr std::int64_t kFence = 7;

/// A core with a clock and a record of what it wanted done.
class Session : public ::testing::Test {
 protected:
  static CoreConfig config() {
    CoreConfig config;
    config.hello.set_worker("w");
    config.hello.set_incarnation("i");
    config.residency = [] { return std::vector<v1::Residency>(); };
    return config;
  }

  void SetUp() override {
    take(core.start(now));
    welcome({});
    effects.clear();
  }

  void take(Effects more) {
    for (Effect& effect : more) {
      if (const auto* connect = std::get_if<Connect>(&effect)) session = connect->session;
      effects.push_back(std::move(effect));
    }
  }
  void hear(const v1::SchedulerMessage& message) { take(core.message(session, message, now)); }

  void welcome(const std::vector<std::string>& adopted) {
    v1::SchedulerMessage message;
    *message.mutable_welcome()->mutable_heartbeat() = TimeUtil::SecondsToDuration(2);
    *message.mutable_welcome()->mutable_lease() = TimeUtil::SecondsToDuration(15);
    for (const std::string& lease : adopted) message.mutable_welcome()->add_adopted_leases(lease);
    hear(message);
  }
  void assign(std::int64_t fence, const std::string& job = "j") {
    v1::SchedulerMessage message;
    message.mutable_assign()->set_fence(fence);
    message.mutable_assign()->set_job_id(job);
    message.mutable_assign()->set_lease_id(absl::StrCat("lease ", fence));
    hear(message);
  }
  void acknowledge(std::int64_t sequence) {
    v1::SchedulerMessage message;
    message.mutable_heartbeat_ack()->set_sequence(sequence);
    hear(message);
  }
  void cancel(std::int64_t fence, v1::ErrorClass reason = v1::ERROR_CLASS_CANCELLED) {
    v1::SchedulerMessage message;
    message.mutable_cancel()->set_fence(fence);
    message.mutable_cancel()->set_reason(reason);
    hear(message);
  }
  void abandon(std::int64_t fence) {
    v1::SchedulerMessage message;
    message.mutable_abandon()->set_fence(fence);
    hear(message);
  }
  void grant(std::int64_t fence, bool granted) {
    v1::SchedulerMessage message;
    message.mutable_publish_grant()->set_fence(fence);
    message.mutable_publish_grant()->set_granted(granted);
    hear(message);
  }
  void finished_ack(std::int64_t fence) {
    v1::SchedulerMessage message;
    message.mutable_finished_ack()->set_fence(fence);
    hear(message);
  }

  /// Lets time pass, with timers as they fall due; acknowledges heartbeats if told to.
  void pass(Duration length, bool acknowledging = true, bool progressing = true) {
    const Duration end = now + length;
    while (core.next_timer() <= end) {
      now = std::max(now, core.next_timer());
      if (progressing) core.progress(kFence, {}, now);
      const std::size_t before = effects.size();
      take(core.timer(now));
      for (std::size_t i = before; acknowledging && i < effects.size(); ++i) {
        const auto* send = std::get_if<Send>(&effects[i]);
        if (send != nullptr && send->message.has_heartbeat()) {
          acknowledge(send->message.heartbeat().sequence());
        }
      }
    }
    now = end;
  }

  void end(const absl::Status& status, v1::ErrorClass error_class = v1::ERROR_CLASS_ENGINE_ERROR) {
    take(core.ended(
        kFence,
        {.status = status, .error_class = status.ok() ? v1::ERROR_CLASS_UNSPECIFIED : error_class},
        now));
  }

  template <class T>
  std::vector<T> wanted() const {
    std::vector<T> out;
    for (const Effect& effect : effects) {
      if (const auto* one = std::get_if<T>(&effect)) out.push_back(*one);
    }
    return out;
  }
  std::vector<v1::WorkerMessage> sent() const {
    std::vector<v1::WorkerMessage> out;
    for (const Send& send : wanted<Send>()) out.push_back(send.message);
    return out;
  }
  std::vector<v1::Finished> finished() const {
    std::vector<v1::Finished> out;
    for (const auto& message : sent()) {
      if (message.has_finished()) out.push_back(message.finished());
    }
    return out;
  }
  std::vector<std::int64_t> stopped() const {
    std::vector<std::int64_t> out;
    for (const StopWork& order : wanted<StopWork>()) out.push_back(order.fence);
    return out;
  }
  v1::Heartbeat last_heartbeat() const {
    v1::Heartbeat beat;
    for (const auto& message : sent()) {
      if (message.has_heartbeat()) beat = message.heartbeat();
    }
    return beat;
  }

  Duration now = seconds(100);
  SessionCore core{config(), now};
  Effects effects;
  std::int64_t session = 0;
};

TEST_F(Session, BeginsWithHello) {
  SessionCore fresh(config(), now);
  const Effects begun = fresh.start(now);
  ASSERT_EQ(begun.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<Connect>(begun[0]));
  EXPECT_EQ(std::get<Send>(begun[1]).message.hello().worker(), "w");
}

TEST_F(Session, AnAssignmentStartsWorkOnceHoweverOftenItIsSaid) {
  assign(kFence);
  assign(kFence);
  EXPECT_EQ(wanted<StartWork>().size(), 1u);
}

TEST_F(Session, ANewerAssignmentOfTheJobStopsTheOlder) {
  assign(kFence, "j");
  assign(kFence + 1, "j");
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  EXPECT_FALSE(core.lease_alive(kFence, now));
  EXPECT_TRUE(core.lease_alive(kFence + 1, now));
}

TEST_F(Session, HeartbeatsCarryTheLeasesEveryTwoSeconds) {
  assign(kFence);
  pass(seconds(10));
  EXPECT_EQ(sent().size(), 5u);
  ASSERT_EQ(last_heartbeat().held_leases_size(), 1);
  EXPECT_EQ(last_heartbeat().held_leases(0).fence(), kFence);
}

TEST_F(Session, AcknowledgedHeartbeatsKeepTheLeaseAlive) {
  assign(kFence);
  pass(seconds(120));
  EXPECT_TRUE(core.lease_alive(kFence, now));
  EXPECT_EQ(core.permit(kFence, now), Permit::kGo);
}

TEST_F(Session, TheLeaseRunsFromTheSendingOfWhatWasAcknowledged) {
  pass(seconds(2), false);  // one heartbeat, sent at 102
  const std::int64_t sequence = last_heartbeat().sequence();
  assign(kFence);
  pass(seconds(1), false);
  now += milliseconds(500);
  acknowledge(
      sequence);  // it carried no lease: the lease still counts from Welcome's Hello, at 100
  EXPECT_TRUE(core.lease_alive(kFence, seconds(114)));
  EXPECT_FALSE(core.lease_alive(kFence, seconds(115)));

  pass(seconds(1), false);  // the heartbeat of 104 carries it
  acknowledge(last_heartbeat().sequence());
  EXPECT_TRUE(core.lease_alive(kFence, milliseconds(118'900)));
  EXPECT_FALSE(core.lease_alive(kFence, milliseconds(119'100)));
}

TEST_F(Session, NothingWithSideEffectsBeginsAfterTwoThirdsAndNothingIsPublishedAfterTheEnd) {
  assign(kFence);
  EXPECT_EQ(core.permit(kFence, seconds(109)), Permit::kGo);
  EXPECT_EQ(core.permit(kFence, seconds(110)), Permit::kWait);
  EXPECT_TRUE(core.lease_alive(kFence, seconds(114)));
  EXPECT_FALSE(core.lease_alive(kFence, seconds(115)));
}

TEST_F(Session, AFrozenWorkersLateAcknowledgementsDoNotReviveItsLease) {
  assign(kFence);
  pass(seconds(2), false);
  const std::int64_t sequence = last_heartbeat().sequence();
  now += seconds(60);  // SIGSTOP
  acknowledge(sequence);
  EXPECT_FALSE(core.lease_alive(kFence, now));
  EXPECT_EQ(core.permit(kFence, now), Permit::kWait);
}

TEST_F(Session, ASilentEngineIsNotAlive) {
  assign(kFence);
  core.phase(kFence, Phase::kComputing, now);
  pass(seconds(14), true, false);
  EXPECT_EQ(last_heartbeat().held_leases_size(), 1);
  pass(seconds(4), true, false);
  EXPECT_EQ(last_heartbeat().held_leases_size(), 0);
}

TEST_F(Session, WorkThatOnlyWaitsIsAliveWithoutProgress) {
  assign(kFence);
  for (const Phase phase : {Phase::kWaiting, Phase::kHolding}) {
    core.phase(kFence, phase, now);
    pass(seconds(100), true, false);
    EXPECT_EQ(last_heartbeat().held_leases_size(), 1);
  }
}

TEST_F(Session, AProductThatWaitsForTheSchedulersWordIsKeptThroughALongOutage) {
  assign(kFence);
  core.phase(kFence, Phase::kPublishing, now);
  take(core.want_intent(kFence, {}));
  take(core.disconnected(session, now));
  const Duration back = now + seconds(600);
  while (now < back) {  // nobody answers; the thread that waits looks again at every wake
    now = std::max(now + milliseconds(1), core.next_timer());
    core.waits(kFence, now);
    const std::size_t before = effects.size();
    take(core.timer(now));
    if (effects.size() > before) take(core.disconnected(session, now));
  }
  EXPECT_THAT(stopped(), IsEmpty());
  effects.clear();
  now = core.next_timer();
  take(core.timer(now));
  welcome({"lease 7"});
  grant(kFence, true);
  EXPECT_EQ(core.intent_answer(kFence), absl::OkStatus());
  EXPECT_TRUE(core.lease_alive(kFence, now));
}

TEST_F(Session, AStuckEngineIsGivenUpAndTheProcessEndsForIt) {
  assign(kFence);
  core.phase(kFence, Phase::kComputing, now);
  pass(seconds(100), true, false);
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  EXPECT_TRUE(last_heartbeat().draining());  // nothing more should come here
  ASSERT_EQ(wanted<Exit>().size(), 1u);
  EXPECT_TRUE(wanted<Exit>()[0].stuck);
  EXPECT_TRUE(finished().empty());  // the lease was lost long ago
}

TEST_F(Session, CancellingStopsWorkAndReportsTheReason) {
  assign(kFence);
  cancel(kFence, v1::ERROR_CLASS_TIMEOUT);
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  EXPECT_EQ(core.permit(kFence, now), Permit::kStop);
  end(absl::CancelledError());
  ASSERT_EQ(finished().size(), 1u);
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_TIMEOUT);
  pass(seconds(60));
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
}

TEST_F(Session, AnEngineThatIgnoresCancellationIsReportedInTwoSecondsAndRestarted) {
  assign(kFence);
  core.phase(kFence, Phase::kComputing, now);
  cancel(kFence);
  pass(seconds(2));
  ASSERT_EQ(finished().size(), 1u);
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_CANCELLED);
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
  finished_ack(kFence);
  ASSERT_EQ(wanted<Exit>().size(), 1u);
  EXPECT_TRUE(wanted<Exit>()[0].stuck);
}

TEST_F(Session, ACancelledJobThatOnlyWaitsIsReportedAtOnceAndEndsNoProcess) {
  assign(kFence, "behind a long job");
  assign(kFence + 1, "behind a slow writer");
  core.phase(kFence + 1, Phase::kHolding, now);
  cancel(kFence);
  cancel(kFence + 1);
  EXPECT_THAT(stopped(), ElementsAre(kFence, kFence + 1));
  ASSERT_EQ(finished().size(), 2u);
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_CANCELLED);
  EXPECT_EQ(core.permit(kFence, now), Permit::kStop);
  pass(seconds(60));
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
}

TEST_F(Session, ACancelThatCrossesTheEndOfTheComputationEndsNoProcess) {
  assign(kFence);
  core.phase(kFence, Phase::kComputing, now);
  cancel(kFence);
  core.phase(kFence, Phase::kHolding, now);  // it was done just then, and the writer is busy
  pass(seconds(60));
  ASSERT_FALSE(finished().empty());
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_CANCELLED);
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
}

TEST_F(Session, AJobThatIsTakenAwayWhileItOnlyWaitsEndsNoProcess) {
  assign(kFence, "behind a long job");
  abandon(kFence);
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  EXPECT_EQ(core.permit(kFence, now), Permit::kStop);
  pass(seconds(60));
  EXPECT_TRUE(finished().empty());
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
}

TEST_F(Session, AGrantedPublicationIsFinishedDespiteCancellation) {
  assign(kFence);
  take(core.want_intent(kFence, {}));
  EXPECT_EQ(core.intent_answer(kFence), std::nullopt);
  grant(kFence, true);
  cancel(kFence);
  EXPECT_THAT(stopped(), IsEmpty());
  EXPECT_EQ(core.permit(kFence, now), Permit::kGo);
  EXPECT_EQ(core.intent_answer(kFence), absl::OkStatus());
}

TEST_F(Session, ARefusedIntentAborts) {
  assign(kFence);
  take(core.want_intent(kFence, {}));
  grant(kFence, false);
  ASSERT_TRUE(core.intent_answer(kFence).has_value());
  EXPECT_TRUE(absl::IsAborted(*core.intent_answer(kFence)));
}

TEST_F(Session, AbandonedWorkReportsNothing) {
  assign(kFence);
  abandon(kFence);
  EXPECT_THAT(stopped(), ElementsAre(kFence));
  EXPECT_FALSE(core.lease_alive(kFence, now));
  end(absl::CancelledError());
  EXPECT_TRUE(finished().empty());
}

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
  take(core.response_ready(kFence, true, 0));
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
