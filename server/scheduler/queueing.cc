#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/scheduler/core_state.h"
#include "server/scheduler/placement.h"

namespace unfold::server {
namespace {

QueuedJob queued(const LiveJob& live) {
  const v1::Job& job = live.job;
  return {
      .id = job.id(),
      .engine = job.engine(),
      .submitter = job.submitter(),
      .response_key = job.plan().response_key(),
      .deadline_unix_ns = job.spec().has_deadline() ? unix_ns(job.spec().deadline()) : kNoDeadline,
      .priority = job.spec().priority(),
      .submitted_unix_ns = unix_ns(job.submitted_at()),
      .response_bytes = job.plan().response_bytes(),
      .device_bytes = job.plan().device_bytes(),
      .outgrown_bytes = outgrown_bytes(job),
      .load_seconds = job.plan().load_seconds(),
      .run_seconds = job.plan().run_seconds(),
      .avoid_worker = live.avoid_worker,
      .may_prefetch = live.may_prefetch};
}

}  // namespace

void Core::State::enqueue(LiveJob& live) {
  if (live.job.spec().has_deadline()) {
    const Duration left(unix_ns(live.job.spec().deadline()) - now.unix_ns);
    if (left <= Duration::zero()) {
      change(live, DeadlinePassed{});
      log(live.job, "warning", "expired: the deadline passed before it could run");
      return;
    }
    set_timer(now.monotonic + left, TimerKind::kDeadline, live.job.id());
  }
  const Duration delay = retry_delay(live.job);
  live.not_before = now.monotonic + delay;
  if (delay > Duration::zero()) {
    set_timer(live.not_before, TimerKind::kBackoff, live.job.id());
  } else {
    requeue(live);
  }
}

void Core::State::requeue(LiveJob& live) { queue.push(queued(live)); }

void Core::State::dequeue(LiveJob& live) {
  queue.remove(live.job.id());
  live.parked = false;  // unpark() drops what is not parked any more
}

/// The fleet changed: what fitted no worker may fit now.
void Core::State::unpark() {
  for (const std::string& id : std::exchange(parked, {})) {
    LiveJob* live = find(id);
    if (live == nullptr || !live->parked) continue;
    live->parked = false;
    if (live->job.state() == v1::JOB_STATE_QUEUED) requeue(*live);
  }
}

void Core::State::place_jobs() {
  while (true) {
    const Placements placements = place(queue, fleet, now.monotonic);
    for (const std::string& id : placements.passed_over) queue.pass_over(id);
    for (const std::string& id : placements.too_big) {
      if (!queue.remove(id)) continue;
      find(id)->parked = true;
      parked.push_back(id);
    }
    for (const Assignment& assignment : placements.assignments) assign(assignment);
    if (placements.assignments.empty() && placements.too_big.empty()) return;
  }
}

Lease Core::State::make_lease(const LiveJob& live, const Assignment& assignment) {
  const v1::Plan& plan = live.job.plan();
  const double work = plan.run_seconds() + (assignment.resident ? 0 : plan.load_seconds());
  Lease lease;
  lease.row = {.job_id = live.job.id(),
               .lease_id = "",
               .worker = assignment.worker,
               .incarnation = fleet.worker(assignment.worker)->incarnation,
               .fence = 0,
               .attempt = live.job.attempts_size(),
               .prefetch = assignment.prefetch};
  lease.predicted_end = now.monotonic + from_seconds(work);
  lease.response_key = plan.response_key();
  lease.response_bytes = plan.response_bytes();
  const WorkerRecord& worker = *fleet.worker(assignment.worker);
  if (is_gpu(worker.device_of(live.job.engine()))) lease.device_bytes = plan.device_bytes();
  lease.expires = now.monotonic + config.lease;
  return lease;
}

void Core::State::assign(const Assignment& assignment) {
  LiveJob& live = *find(assignment.job_id);
  queue.placed(assignment.job_id);
  const std::int64_t fence = ++last_fence;
  const WorkerRecord& worker = *fleet.worker(assignment.worker);
  change(live, Assigned{.fence = fence,
                        .worker = assignment.worker,
                        .device = worker.device_of(live.job.engine()),
                        .memory_bytes = worker.hello.memory_bytes()});
  Lease made = make_lease(live, assignment);
  made.row.fence = fence;
  made.row.lease_id = ids.uuid();
  const Lease& lease = fleet.add_lease(std::move(made));
  fx.writes.emplace_back(PutFence{fence});
  fx.writes.emplace_back(PutLease{lease.row});
  set_timer(lease.expires, TimerKind::kLease, live.job.id());
  log(live.job, "info",
      absl::StrCat("assigned to ", assignment.worker, " (fence ", fence,
                   assignment.prefetch ? ", ahead of time" : "",
                   assignment.resident && !lease.response_key.empty() ? ", response resident" : "",
                   ")"),
      assignment.worker);
  send_assign(live, lease, worker.session);
  ++(assignment.resident ? totals.placements_hit_total : totals.placements_load_total);
  totals.placements_prefetch_total += assignment.prefetch ? 1 : 0;
}

void Core::State::send_assign(const LiveJob& live, const Lease& lease, SessionId session) {
  v1::Assign& message = *send(session).mutable_assign();
  message.set_lease_id(lease.row.lease_id);
  message.set_job_id(lease.row.job_id);
  message.set_fence(lease.row.fence);
  message.set_attempt(lease.row.attempt);
  *message.mutable_spec() = live.job.spec();
  *message.mutable_plan() = live.job.plan();
  message.set_prefetch(lease.row.prefetch);
  for (const v1::Attempt& attempt : live.job.attempts()) {
    if (attempt.fence() != lease.row.fence) message.add_dead_fences(attempt.fence());
  }
  for (const IntentRow& intent : live.intents) {
    v1::RecordedIntent& recorded = *message.add_intents();
    recorded.set_fence(intent.fence);
    recorded.mutable_outputs()->Assign(intent.outputs.begin(), intent.outputs.end());
  }
}

}  // namespace unfold::server
