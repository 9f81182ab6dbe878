#include "tests/workers/agent/session_fixture.h"

namespace unfold::agent {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Permit = SessionCore::Permit;

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
  EXPECT_TRUE(finished()[0].stuck());
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

}  // namespace
}  // namespace unfold::agent
