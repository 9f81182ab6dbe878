#include "tests/workers/agent/session_fixture.h"

namespace unfold::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Permit = SessionCore::Permit;

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

}  // namespace
}  // namespace unfold::agent
