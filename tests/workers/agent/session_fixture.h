#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "workers/agent/session_core.h"

namespace unfold::agent {

inline constexpr std::int64_t kFence = 7;

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
    *message.mutable_welcome()->mutable_heartbeat() =
        google::protobuf::util::TimeUtil::SecondsToDuration(2);
    *message.mutable_welcome()->mutable_lease() =
        google::protobuf::util::TimeUtil::SecondsToDuration(15);
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

  Duration now = std::chrono::seconds(100);
  SessionCore core{config(), now};
  Effects effects;
  std::int64_t session = 0;
};

}  // namespace unfold::agent
