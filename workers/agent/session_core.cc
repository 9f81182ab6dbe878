#include "workers/agent/session_core.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"

namespace unfold::agent {
namespace {

constexpr int kIoGraceFactor = 5;    // fsync of a large file is slow, not stuck
constexpr int kIoSilenceLeases = 4;  // reading and writing report no progress of their own

bool computes(Phase phase) { return phase == Phase::kLoading || phase == Phase::kComputing; }
bool passive(Phase phase) { return phase == Phase::kWaiting || phase == Phase::kHolding; }

Duration duration_of(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

const char* stage_name(Phase phase) {
  switch (phase) {
    case Phase::kWaiting:
      return "wait";
    case Phase::kReading:
      return "read";
    case Phase::kLoading:
      return "load";
    case Phase::kComputing:
    case Phase::kHolding:
      return "compute";
    case Phase::kWriting:
      return "write";
    case Phase::kPublishing:
      return "publish";
  }
  return "";
}

template <class Message>
Send send(const Message& message) {
  Send out;
  if constexpr (std::is_same_v<Message, v1::Hello>) *out.message.mutable_hello() = message;
  if constexpr (std::is_same_v<Message, v1::Heartbeat>) *out.message.mutable_heartbeat() = message;
  if constexpr (std::is_same_v<Message, v1::Started>) *out.message.mutable_started() = message;
  if constexpr (std::is_same_v<Message, v1::Finished>) *out.message.mutable_finished() = message;
  if constexpr (std::is_same_v<Message, v1::PublishIntent>) {
    *out.message.mutable_publish_intent() = message;
  }
  return out;
}

absl::Status refused(const std::string& why) {
  return error({.code = absl::StatusCode::kAborted,
                .reason = "FENCED",
                .field = "",
                .what = "the scheduler refused publication",
                .why = why,
                .remedy = ""});
}

v1::Finished finished_of(const v1::Assign& assign) {
  v1::Finished finished;
  finished.set_lease_id(assign.lease_id());
  finished.set_job_id(assign.job_id());
  finished.set_fence(assign.fence());
  return finished;
}

std::string reason_text(v1::ErrorClass reason) {
  switch (reason) {
    case v1::ERROR_CLASS_TIMEOUT:
      return "the run time limit passed";
    case v1::ERROR_CLASS_PREEMPTED:
      return "given back by its worker";
    default:
      return "cancelled";
  }
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

// ---- the session ----

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

// ---- time ----

Effects SessionCore::timer(Duration now) {
  Effects effects;
  give_up_the_silent(effects, now);
  escalate(effects, now);
  if (reconnect_at_ && now >= *reconnect_at_) {
    connect(effects, now);
  } else if (!reconnect_at_ && now >= std::max(acknowledged_, hello_sent_) + lease_) {
    connect(effects, now);  // a session that answers nothing is none
  } else if (welcomed_ && now >= next_heartbeat_) {
    heartbeat(effects, now);
    resend_finished(effects, now);
  }
  continue_drain(effects, now);
  return effects;
}

Duration SessionCore::next_timer() const {
  Duration next = reconnect_at_ ? *reconnect_at_ : std::max(acknowledged_, hello_sent_) + lease_;
  if (welcomed_) next = std::min(next, next_heartbeat_);
  if (drain_deadline_ && !exited_) {
    next = std::min(next, past_deadline_ ? last_call() : *drain_deadline_);
  }
  for (const auto& [fence, work] : works_) {
    if (work.stop && !work.finished) next = std::min(next, work.stop->since + grace(work));
  }
  return next;
}

void SessionCore::heartbeat(Effects& effects, Duration now) {
  next_heartbeat_ = now + heartbeat_every_;
  v1::Heartbeat beat;
  beat.set_sequence(++sequence_);
  beat.set_draining(draining());
  Sent sent{.at = now, .fences = {}};
  for (auto& [fence, work] : works_) {
    if (work.abandoned || silent(work, now)) continue;
    *beat.add_held_leases() = held(work);
    sent.fences.push_back(fence);
  }
  for (v1::Residency& resident : config_.residency()) *beat.add_residency() = std::move(resident);
  unacknowledged_.emplace(sequence_, std::move(sent));
  effects.push_back(send(beat));
}

bool SessionCore::silent(const Work& work, Duration now) const {
  if (work.finished || passive(work.phase)) return false;
  return now - work.heard > (computes(work.phase) ? lease_ : lease_ * kIoSilenceLeases);
}

void SessionCore::give_up_the_silent(Effects& effects, Duration now) {
  std::vector<std::int64_t> given_up;
  for (const auto& [fence, work] : works_) {
    if (silent(work, now) && !work.abandoned && now > work.lease_from + lease_) {
      given_up.push_back(fence);
    }
  }
  for (const std::int64_t fence : given_up) {
    abandon(fence, "its engine makes no progress", effects, now);
  }
}

// ---- stopping ----

Duration SessionCore::grace(const Work& work) const {
  return computes(work.phase) ? config_.cancel_grace : config_.cancel_grace * kIoGraceFactor;
}

void SessionCore::stop(Work& work, v1::ErrorClass reason, const std::string& why, Effects& effects,
                       Duration now) {
  if (work.stop || work.finished || work.committed()) return;  // a granted publication is finished
  work.stop = Stop{reason, now};
  effects.push_back(StopWork{work.assign.fence(), why});
}

void SessionCore::abandon(std::int64_t fence, const std::string& why, Effects& effects,
                          Duration now) {
  Work* work = find(fence);
  if (work == nullptr) return;
  if (work->finished) {
    works_.erase(fence);
    return;
  }
  work->abandoned = true;
  if (!work->stop) {
    work->stop = Stop{v1::ERROR_CLASS_WORKER_LOST, now};
    effects.push_back(StopWork{fence, why});
  }
}

void SessionCore::escalate(Effects& effects, Duration now) {
  std::vector<std::int64_t> lost;
  for (auto& [fence, work] : works_) {
    if (!work.stop || work.finished || now < work.stop->since + grace(work)) continue;
    stuck_ = true;
    if (!drain_deadline_) drain_deadline_ = now + config_.drain_timeout;
    if (work.abandoned) {
      lost.push_back(fence);
      continue;
    }
    v1::Finished finished = finished_of(work.assign);
    finished.set_error_class(work.stop->reason);
    finished.set_message(reason_text(work.stop->reason) +
                         " (the engine did not react) [its worker restarts]");
    finish(work, std::move(finished), effects, now);
  }
  for (const std::int64_t fence : lost) works_.erase(fence);
}

Effects SessionCore::drain(Duration now) {
  Effects effects;
  if (draining()) return effects;
  drain_deadline_ = now + config_.drain_timeout;
  for (auto& [fence, work] : works_) {
    if (work.phase == Phase::kWaiting || work.phase == Phase::kReading) {
      stop(work, v1::ERROR_CLASS_PREEMPTED, "the worker is leaving", effects, now);
    }
  }
  if (welcomed_) heartbeat(effects, now);
  continue_drain(effects, now);
  return effects;
}

void SessionCore::continue_drain(Effects& effects, Duration now) {
  if (!drain_deadline_ || exited_) return;
  const bool late = now >= *drain_deadline_;
  if (late && !past_deadline_) {
    past_deadline_ = true;
    for (auto& [fence, work] : works_) {
      stop(work, v1::ERROR_CLASS_PREEMPTED, "the drain timeout passed", effects, now);
    }
  }
  if (!works_.empty() && !(late && stuck_) && now < last_call()) return;
  exited_ = true;
  const bool unfinished = std::any_of(works_.begin(), works_.end(), [](const auto& entry) {
    return !entry.second.finished.has_value();
  });
  effects.push_back(
      Exit{.stuck = stuck_ || unfinished, .why = stuck_ ? "an engine does not react" : "drained"});
}

Duration SessionCore::last_call() const { return *drain_deadline_ + config_.cancel_grace * 2; }

// ---- the work ----

void SessionCore::phase(std::int64_t fence, Phase phase, Duration now) {
  if (Work* work = find(fence)) {
    work->phase = phase;
    work->progress.set_stage(stage_name(phase));
    work->heard = now;
  }
}

void SessionCore::progress(std::int64_t fence, const v1::Progress& progress, Duration now) {
  if (Work* work = find(fence)) {
    work->progress = progress;
    work->heard = now;
  }
}

Effects SessionCore::response_ready(std::int64_t fence, bool hit, double load_seconds) {
  Work* work = find(fence);
  if (work == nullptr || work->abandoned) return {};
  v1::Started started;
  started.set_lease_id(work->assign.lease_id());
  started.set_fence(fence);
  started.set_response_hit(hit);
  started.set_load_seconds(load_seconds);
  work->started = started;
  if (!welcomed_) return {};
  return {send(started)};
}

Effects SessionCore::want_intent(std::int64_t fence, const std::vector<v1::OutputFile>& outputs) {
  Work* work = find(fence);
  if (work == nullptr || work->abandoned) return {};
  v1::PublishIntent intent;
  intent.set_lease_id(work->assign.lease_id());
  intent.set_job_id(work->assign.job_id());
  intent.set_fence(fence);
  for (const v1::OutputFile& output : outputs) *intent.add_outputs() = output;
  work->intent = intent;
  work->intent_answer.reset();
  if (!welcomed_) return {};  // sent after the next Welcome
  return {send(intent)};
}

std::optional<absl::Status> SessionCore::intent_answer(std::int64_t fence) const {
  const Work* work = find(fence);
  if (work == nullptr || work->abandoned) return refused("the assignment was given up");
  return work->intent_answer;
}

Effects SessionCore::ended(std::int64_t fence, const Outcome& outcome, Duration now) {
  Effects effects;
  Work* work = find(fence);
  if (work != nullptr && work->abandoned) {
    works_.erase(fence);
  } else if (work != nullptr && !work->finished) {
    v1::Finished finished = finished_of(work->assign);
    finished.set_succeeded(outcome.status.ok());
    if (!outcome.status.ok()) {
      const bool told =
          work->stop && (absl::IsCancelled(outcome.status) || absl::IsAborted(outcome.status));
      finished.set_error_class(told ? work->stop->reason : outcome.error_class);
      finished.set_message(told ? reason_text(work->stop->reason)
                                : std::string(outcome.status.message()));
    }
    for (const v1::OutputFile& output : outcome.outputs) *finished.add_outputs() = output;
    for (const auto& [name, value] : outcome.seconds) (*finished.mutable_seconds())[name] = value;
    for (const auto& [name, value] : outcome.summary) (*finished.mutable_summary())[name] = value;
    for (const std::string& line : outcome.log) finished.add_log(line);
    finished.set_response_hit(work->started && work->started->response_hit());
    finished.set_recovered_fence(outcome.recovered_fence);
    finish(*work, std::move(finished), effects, now);
  }
  continue_drain(effects, now);
  return effects;
}

void SessionCore::finish(Work& work, v1::Finished finished, Effects& effects, Duration now) {
  work.finished = std::move(finished);
  work.finished_sent = now;
  if (welcomed_) effects.push_back(send(*work.finished));
}

void SessionCore::resend_finished(Effects& effects, Duration now) {
  for (auto& [fence, work] : works_) {
    const bool given_back =
        draining() && !work.finished && !work.stop && work.phase == Phase::kWaiting;
    if (given_back) {  // came while draining, so it never began
      v1::Finished finished = finished_of(work.assign);
      finished.set_error_class(v1::ERROR_CLASS_PREEMPTED);
      finished.set_message(reason_text(v1::ERROR_CLASS_PREEMPTED));
      finish(work, std::move(finished), effects, now);
    } else if (work.finished && now - work.finished_sent >= heartbeat_every_ * 2) {
      work.finished_sent = now;
      effects.push_back(send(*work.finished));
    }
  }
}

SessionCore::Permit SessionCore::permit(std::int64_t fence, Duration now) const {
  const Work* work = find(fence);
  if (work == nullptr || work->abandoned || work->finished) return Permit::kStop;
  if (work->stop && !work->committed()) return Permit::kStop;
  return now < work->lease_from + lease_ * 2 / 3 ? Permit::kGo : Permit::kWait;
}

bool SessionCore::lease_alive(std::int64_t fence, Duration now) const {
  const Work* work = find(fence);
  return work != nullptr && !work->abandoned && !work->finished && now < work->lease_from + lease_;
}

v1::HeldLease SessionCore::held(const Work& work) const {
  v1::HeldLease lease;
  lease.set_lease_id(work.assign.lease_id());
  lease.set_job_id(work.assign.job_id());
  lease.set_fence(work.assign.fence());
  *lease.mutable_progress() = work.progress;
  lease.set_loading(!work.started.has_value());
  return lease;
}

}  // namespace unfold::agent
