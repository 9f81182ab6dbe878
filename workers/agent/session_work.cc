// What SessionCore is told by the work, and answers to it.
#include <utility>

#include "workers/agent/messages.h"
#include "workers/agent/session_core.h"

namespace unfold::agent {
namespace {

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

}  // namespace

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

void SessionCore::waits(std::int64_t fence, Duration now) {
  if (Work* work = find(fence)) work->heard = now;
}

Effects SessionCore::response_ready(std::int64_t fence, const Ready& ready) {
  Work* work = find(fence);
  if (work == nullptr || work->abandoned) return {};
  v1::Started started;
  started.set_lease_id(work->assign.lease_id());
  started.set_fence(fence);
  started.set_response_hit(ready.response_hit);
  started.set_load_seconds(ready.load_seconds);
  if (ready.start_seconds) started.set_start_seconds(*ready.start_seconds);
  if (ready.idle_seconds) started.set_idle_seconds(*ready.idle_seconds);
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
  if (work == nullptr || work->abandoned) return absl::AbortedError("the assignment was given up");
  return work->intent_answer;
}

Effects SessionCore::ended(std::int64_t fence, const Outcome& outcome, Duration now) {
  Effects effects;
  const bool device_error = outcome.error_class == v1::ERROR_CLASS_DEVICE_ERROR;
  if (device_error) tell_health(effects, now);
  Work* work = find(fence);
  if (work != nullptr && work->abandoned) {
    works_.erase(fence);
  } else if (work != nullptr && !work->finished) {
    v1::Finished finished = finished_of(work->assign);
    finished.set_succeeded(outcome.status.ok());
    if (!outcome.status.ok()) {
      // Whatever ends it after the device failed under another is not its own fault.
      const bool told = work->stop && (absl::IsCancelled(outcome.status) ||
                                       absl::IsAborted(outcome.status) || device_failed_);
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
  if (device_error) leave_device(effects, now);
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
