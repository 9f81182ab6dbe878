#include <algorithm>

#include "server/scheduler/core_state.h"

namespace unfold::server {

void Core::State::fire_timers() {
  while (!timers.empty() && timers.top().when <= now.monotonic) {
    const Timer timer = timers.top();
    timers.pop();
    fire(timer);
  }
}

void Core::State::fire(const Timer& timer) {
  switch (timer.kind) {
    case TimerKind::kLease:
      return check_lease(timer.name);
    case TimerKind::kDeadline:
      return check_deadline(timer.name);
    case TimerKind::kRunTimeout:
      return check_run_timeout(timer);
    case TimerKind::kSilence:
      return check_silence(timer);
    case TimerKind::kBackoff:
      LiveJob* live = find(timer.name);
      const bool due = live != nullptr && live->job.state() == v1::JOB_STATE_QUEUED &&
                       live->not_before <= now.monotonic && !live->parked &&
                       queue.find(timer.name) == nullptr;
      if (due) {
        live->not_before = Duration::zero();
        requeue(*live);
      }
  }
}

void Core::State::check_lease(const std::string& job_id) {
  const Lease* lease = fleet.lease(job_id);
  if (lease == nullptr) return;
  if (lease->expires > now.monotonic) {
    set_timer(lease->expires, TimerKind::kLease, job_id);
    return;
  }
  // With its session gone and not back in all this time, the process is taken for dead; a silent
  // one behind an open session is frozen or stuck.
  const bool connected = fleet.worker(lease->row.worker)->session != 0;
  lose_lease(job_id,
             connected ? "its lease ended: the engine made no progress or the worker was silent"
                       : "its lease ended: the worker's session broke and it did not come back",
             !connected);
}

void Core::State::check_deadline(const std::string& job_id) {
  LiveJob* live = find(job_id);
  if (live == nullptr || live->job.state() != v1::JOB_STATE_QUEUED) return;
  if (!live->job.spec().has_deadline()) return;  // a Retry dropped it
  if (const Duration left(unix_ns(live->job.spec().deadline()) - now.unix_ns);
      left > Duration::zero()) {  // the wall clock was set back
    set_timer(now.monotonic + left, TimerKind::kDeadline, job_id);
    return;
  }
  dequeue(*live);
  change(*live, DeadlinePassed{});
  log(live->job, "warning", "expired: the deadline passed before it could run");
}

void Core::State::check_run_timeout(const Timer& timer) {
  Lease* lease = fleet.lease(timer.name);
  if (lease == nullptr || lease->row.fence != timer.fence || lease->stop) return;
  log(find(timer.name)->job, "warning", "stopping: the run time limit has passed",
      lease->row.worker);
  stop(*lease, v1::ERROR_CLASS_TIMEOUT);
}

void Core::State::check_silence(const Timer& timer) {
  WorkerRecord* worker = fleet.worker(timer.name);
  if (worker == nullptr || worker->session == 0) return;
  if (static_cast<std::int64_t>(worker->session) != timer.fence) return;  // the next has its own
  if (const Duration until = worker->last_heartbeat + config.lease; until > now.monotonic) {
    set_timer(until, TimerKind::kSilence, timer.name, timer.fence);
    return;
  }
  drop_session(*worker, "no heartbeat for as long as a lease");
  forget_if_gone(timer.name);
}

}  // namespace unfold::server
