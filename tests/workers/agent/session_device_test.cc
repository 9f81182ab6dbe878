// What the session does when the device fails under a job.
#include "tests/workers/agent/session_fixture.h"

namespace unfold::agent {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// With a GPU that tells of itself.
class DeviceSession : public Session {
 protected:
  void SetUp() override {
    CoreConfig with_health = config();
    with_health.health = [this] { return health; };
    core = SessionCore(std::move(with_health), now);
    Session::SetUp();
  }
  void device_fails() {
    assign(kFence);
    core.phase(kFence, Phase::kComputing, now);
    effects.clear();
    end(absl::InternalError("CUDA"), v1::ERROR_CLASS_DEVICE_ERROR);
  }
  v1::DeviceHealth health;
};

TEST_F(DeviceSession, HeartbeatsAndHelloCarryTheHealth) {
  health.set_temperature_celsius(54);
  pass(seconds(3));
  EXPECT_EQ(last_heartbeat().health().temperature_celsius(), 54);
  effects.clear();
  take(core.disconnected(session, now));
  pass(seconds(1));
  ASSERT_FALSE(sent().empty());
  EXPECT_EQ(sent()[0].hello().health().temperature_celsius(), 54);
}

TEST_F(DeviceSession, AFailureIsReportedAfterTheHealthThatMayExplainIt) {
  device_fails();
  ASSERT_EQ(sent().size(), 2u);
  EXPECT_TRUE(sent()[0].has_heartbeat());
  EXPECT_EQ(sent()[1].finished().error_class(), v1::ERROR_CLASS_DEVICE_ERROR);
}

TEST_F(DeviceSession, AFailureEndsTheProcessWhenAllIsGivenBack) {
  assign(kFence + 1, "computes in another slot");
  assign(kFence + 2, "waits");
  assign(kFence + 3, "is being written");
  core.phase(kFence + 1, Phase::kComputing, now);
  core.phase(kFence + 3, Phase::kWriting, now);
  device_fails();
  EXPECT_THAT(stopped(), ElementsAre(kFence + 1, kFence + 2));
  take(core.ended(
      kFence + 1,
      {.status = absl::InternalError("CUDA"), .error_class = v1::ERROR_CLASS_DEVICE_ERROR}, now));
  ASSERT_EQ(finished().size(), 3u);
  EXPECT_EQ(finished()[0].error_class(), v1::ERROR_CLASS_DEVICE_ERROR);
  EXPECT_EQ(finished()[1].error_class(), v1::ERROR_CLASS_PREEMPTED);
  EXPECT_EQ(finished()[2].error_class(), v1::ERROR_CLASS_PREEMPTED);
  for (const std::int64_t fence : {kFence, kFence + 1, kFence + 2}) finished_ack(fence);
  EXPECT_THAT(wanted<Exit>(), IsEmpty());  // a product that is in host memory is still published
  take(core.ended(kFence + 3, {.status = absl::OkStatus()}, now));
  finished_ack(kFence + 3);
  ASSERT_EQ(wanted<Exit>().size(), 1u);
  EXPECT_TRUE(wanted<Exit>()[0].device_failed);
}

TEST_F(DeviceSession, WhatFailsInAnyWayAfterThatIsNotItsOwnFault) {
  assign(kFence + 1, "waits for the same response");
  core.phase(kFence + 1, Phase::kLoading, now);
  device_fails();
  take(core.ended(kFence + 1,
                  {.status = absl::InternalError("loading a response threw"),
                   .error_class = v1::ERROR_CLASS_ENGINE_ERROR},
                  now));
  EXPECT_EQ(finished().back().error_class(), v1::ERROR_CLASS_PREEMPTED);
}

TEST_F(DeviceSession, AWorkerWhoseDeviceHasAFaultStaysToBeSeen) {
  health.set_faults(1);
  device_fails();
  finished_ack(kFence);
  pass(seconds(60));
  EXPECT_THAT(wanted<Exit>(), IsEmpty());
  EXPECT_FALSE(last_heartbeat().draining());
}

TEST_F(DeviceSession, AFailureOutsideOfAnAttemptEndsTheProcessToo) {
  take(core.device_failed(now));
  ASSERT_EQ(wanted<Exit>().size(), 1u);
  EXPECT_TRUE(wanted<Exit>()[0].device_failed);
}

}  // namespace
}  // namespace unfold::agent
