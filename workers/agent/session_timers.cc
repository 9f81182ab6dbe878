// What SessionCore does as time passes: heartbeats, silence, stopping, leaving.
#include <algorithm>
#include <utility>

#include "workers/agent/messages.h"
#include "workers/agent/session_core.h"

namespace unfold::agent {
namespace {

constexpr int kIoGraceFactor = 5;    // fsync of a large file is slow, not stuck
constexpr int kIoSilenceLeases = 4;  // reading and writing report no progress of their own

bool computes(Phase phase) { return phase == Phase::kLoading || phase == Phase::kComputing; }
bool computed(Phase phase) { return phase >= Phase::kHolding; }
bool passive(Phase phase) { return phase == Phase::kWaiting || phase == Phase::kHolding; }

}  // namespace

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
  // A stuck engine will end this process.
  const bool stuck = std::any_of(works_.begin(), works_.end(), [&](const auto& entry) {
    return entry.second.abandoned && silent(entry.second, now);
  });
  beat.set_draining(draining() || stuck);
  Sent sent{.at = now, .fences = {}};
  for (auto& [fence, work] : works_) {
    if (work.abandoned || silent(work, now)) continue;
    *beat.add_held_leases() = held(work);
    sent.fences.push_back(fence);
  }
  for (v1::Residency& resident : config_.residency()) *beat.add_residency() = std::move(resident);
  if (config_.workspace) *beat.mutable_workspace() = config_.workspace();
  if (config_.health) *beat.mutable_health() = config_.health();
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

Duration SessionCore::grace(const Work& work) const {
  return computes(work.phase) ? config_.cancel_grace : config_.cancel_grace * kIoGraceFactor;
}

void SessionCore::stop(Work& work, v1::ErrorClass reason, const std::string& why, Effects& effects,
                       Duration now) {
  if (work.stop || work.finished || work.committed()) return;  // a granted publication is finished
  work.stop = Stop{reason, now};
  effects.push_back(StopWork{work.assign.fence(), why, reason});
  if (!passive(work.phase)) return;
  // No engine has it, so none has to react: its turn may be long in coming.
  v1::Finished finished = finished_of(work.assign);
  finished.set_error_class(reason);
  finished.set_message(reason_text(reason));
  finish(work, std::move(finished), effects, now);
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
    effects.push_back(StopWork{fence, why, v1::ERROR_CLASS_WORKER_LOST});
  }
  if (passive(work->phase)) works_.erase(fence);
}

void SessionCore::escalate(Effects& effects, Duration now) {
  std::vector<std::int64_t> lost;
  for (auto& [fence, work] : works_) {
    if (!work.stop || work.finished || now < work.stop->since + grace(work)) continue;
    const bool stuck = !passive(work.phase);  // an engine that was done just then is not
    stuck_ = stuck_ || stuck;
    if (stuck && !drain_deadline_) drain_deadline_ = now + config_.drain_timeout;
    if (work.abandoned) {
      lost.push_back(fence);
      continue;
    }
    v1::Finished finished = finished_of(work.assign);
    finished.set_error_class(work.stop->reason);
    finished.set_message(reason_text(work.stop->reason) +
                         (stuck ? " (the engine did not react) [its worker restarts]" : ""));
    finished.set_stuck(stuck && computes(work.phase));
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

Effects SessionCore::device_failed(Duration now) {
  Effects effects;
  tell_health(effects, now);
  leave_device(effects, now);
  continue_drain(effects, now);
  return effects;
}

/// A session's messages keep their order: the scheduler knows it before what comes next.
void SessionCore::tell_health(Effects& effects, Duration now) {
  if (welcomed_ && config_.health) heartbeat(effects, now);
}

void SessionCore::leave_device(Effects& effects, Duration now) {
  const bool cordoned = config_.health && config_.health().faults() > 0;
  if (cordoned || device_failed_) return;
  device_failed_ = true;
  if (!drain_deadline_) drain_deadline_ = now + config_.drain_timeout;
  for (auto& [fence, work] : works_) {
    if (computed(work.phase)) continue;
    stop(work, v1::ERROR_CLASS_PREEMPTED, "the device failed", effects, now);
  }
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
  effects.push_back(Exit{.stuck = stuck_ || unfinished,
                         .device_failed = device_failed_,
                         .why = device_failed_ ? "the device failed"
                                : stuck_       ? "an engine does not react"
                                               : "drained"});
}

Duration SessionCore::last_call() const { return *drain_deadline_ + config_.cancel_grace * 2; }

}  // namespace unfold::agent
