#include "workers/agent/session_core.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/base/error.h"
#include "workers/agent/messages.h"

namespace unfold::agent {
namespace {

Duration duration_of(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

absl::Status refused(const std::string& why) {
  return error({.code = absl::StatusCode::kAborted,
                .reason = "FENCED",
                .field = "",
                .what = "the scheduler refused publication",
                .why = why,
                .remedy = ""});
}

}  // namespace

SessionCore::SessionCore(CoreConfig config, Duration now)
    : config_(std::move(config)), acknowledged_(now), backoff_(config_.first_backoff) {}

SessionCore::Work* SessionCore::find(std::int64_t fence) {
  const auto found = works_.find(fence);
  return found == works_.end() ? nullptr : &found->second;
}
const SessionCore::Work* SessionCore::find(std::int64_t fence) const {
  return const_cast<SessionCore*>(this)->find(fence);
}

Effects SessionCore::start(Duration now) {
  Effects effects;
  connect(effects, now);
  return effects;
}

void SessionCore::connect(Effects& effects, Duration now) {
  welcomed_ = false;
  reconnect_at_.reset();
  unacknowledged_.clear();
  hello_sent_ = now;
  v1::Hello hello = config_.hello;
  for (v1::Residency& resident : config_.residency()) *hello.add_residency() = std::move(resident);
  if (config_.workspace) *hello.mutable_workspace() = config_.workspace();
  if (config_.health) *hello.mutable_health() = config_.health();
  for (const auto& [fence, work] : works_) {
    if (!work.abandoned) *hello.add_held_leases() = held(work);
  }
  effects.push_back(Connect{++session_});
  effects.push_back(send(hello));
}

Effects SessionCore::disconnected(std::int64_t session, Duration now) {
  if (session != session_) return {};
  welcomed_ = false;
  reconnect_at_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, config_.longest_backoff);
  return {};
}

Effects SessionCore::message(std::int64_t session, const v1::SchedulerMessage& message,
                             Duration now) {
  Effects effects;
  if (session != session_) return effects;
  switch (message.message_case()) {
    case v1::SchedulerMessage::kWelcome:
      welcome(message.welcome(), effects, now);
      break;
    case v1::SchedulerMessage::kHeartbeatAck:
      acknowledged(message.heartbeat_ack().sequence());
      break;
    case v1::SchedulerMessage::kAssign:
      assign(message.assign(), effects, now);
      break;
    case v1::SchedulerMessage::kPublishGrant:
      if (Work* work = find(message.publish_grant().fence()); work != nullptr && work->intent) {
        work->intent_answer = message.publish_grant().granted()
                                  ? absl::OkStatus()
                                  : refused(message.publish_grant().reason());
      }
      break;
    case v1::SchedulerMessage::kFinishedAck:
      if (Work* work = find(message.finished_ack().fence()); work != nullptr && work->finished) {
        works_.erase(message.finished_ack().fence());
      }
      break;
    case v1::SchedulerMessage::kCancel:
      if (Work* work = find(message.cancel().fence()); work != nullptr) {
        stop(*work, message.cancel().reason(), "the scheduler says so", effects, now);
      }
      break;
    case v1::SchedulerMessage::kAbandon:
      abandon(message.abandon().fence(), message.abandon().reason(), effects, now);
      break;
    case v1::SchedulerMessage::kPreload:
      effects.push_back(PreloadResponse{message.preload()});
      break;
    case v1::SchedulerMessage::kEvict:
      effects.push_back(EvictResponse{message.evict().key()});
      break;
    case v1::SchedulerMessage::kDrain:  // the scheduler's own memory: it assigns nothing
    case v1::SchedulerMessage::MESSAGE_NOT_SET:
      break;
  }
  continue_drain(effects, now);
  return effects;
}

void SessionCore::welcome(const v1::Welcome& welcome, Effects& effects, Duration now) {
  if (welcome.has_heartbeat()) heartbeat_every_ = duration_of(welcome.heartbeat());
  if (welcome.has_lease()) lease_ = duration_of(welcome.lease());
  welcomed_ = true;
  backoff_ = config_.first_backoff;
  acknowledged_ = hello_sent_;
  next_heartbeat_ = now + heartbeat_every_;
  std::vector<std::int64_t> lost;
  for (auto& [fence, work] : works_) {
    const auto& adopted = welcome.adopted_leases();
    if (std::find(adopted.begin(), adopted.end(), work.assign.lease_id()) == adopted.end()) {
      // What has ended is still reported: the scheduler's answer ends it.
      if (!work.finished) lost.push_back(fence);
    } else {
      work.lease_from = std::max(work.lease_from, hello_sent_);
    }
    if (work.finished) {
      work.finished_sent = now;
      effects.push_back(send(*work.finished));
      continue;
    }
    if (work.started) effects.push_back(send(*work.started));
    if (work.intent && !work.intent_answer) effects.push_back(send(*work.intent));
  }
  for (const std::int64_t fence : lost) {
    abandon(fence, "the scheduler did not adopt it", effects, now);
  }
}

void SessionCore::acknowledged(std::int64_t sequence) {
  const auto sent = unacknowledged_.find(sequence);
  if (sent == unacknowledged_.end()) return;  // of an earlier session, or twice
  acknowledged_ = std::max(acknowledged_, sent->second.at);
  for (const std::int64_t fence : sent->second.fences) {
    if (Work* work = find(fence)) work->lease_from = std::max(work->lease_from, sent->second.at);
  }
  unacknowledged_.erase(unacknowledged_.begin(), std::next(sent));
}

void SessionCore::assign(const v1::Assign& assign, Effects& effects, Duration now) {
  if (const Work* known = find(assign.fence())) {  // said twice
    if (known->finished) effects.push_back(send(*known->finished));
    return;
  }
  std::vector<std::int64_t> older;
  for (const auto& [fence, work] : works_) {
    if (work.assign.job_id() == assign.job_id() && fence < assign.fence()) older.push_back(fence);
  }
  for (const std::int64_t fence : older) abandon(fence, "a newer assignment came", effects, now);

  Work work;
  work.assign = assign;
  work.lease_from = acknowledged_;
  work.heard = now;
  works_.emplace(assign.fence(), std::move(work));
  // Given back with the next heartbeat: at once, and the scheduler might send it at once again.
  if (!draining()) effects.push_back(StartWork{assign});
}

}  // namespace unfold::agent
