#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "server/scheduler/core_state.h"

namespace unfold::server {
namespace {

std::string class_name(v1::ErrorClass error_class) {
  const std::string name = v1::ErrorClass_Name(error_class);
  return absl::AsciiStrToLower(absl::StripPrefix(name, "ERROR_CLASS_"));
}

}  // namespace

/// Tells the worker to stop. From now on the lease runs out even if heartbeats still show it, so
/// that an engine which does not obey cannot keep the job.
void Core::State::stop(Lease& lease, v1::ErrorClass reason) {
  if (!lease.stop) {
    lease.stop = reason;
    lease.stop_by = now.monotonic + config.lease;
  }
  const WorkerRecord* worker = fleet.worker(lease.row.worker);
  if (worker->session == 0) return;  // told when it is back
  v1::CancelJob& message = *send(worker->session).mutable_cancel();
  message.set_lease_id(lease.row.lease_id);
  message.set_job_id(lease.row.job_id);
  message.set_fence(lease.row.fence);
  message.set_reason(*lease.stop);
}

void Core::State::start_attempt(LiveJob& live, Lease& lease, const AttemptStarted& started) {
  lease.confirmed = true;
  if (lease.started) return;
  lease.started = true;
  change(live, started);
  lease.predicted_end = now.monotonic + from_seconds(live.job.plan().run_seconds());
  log(live.job, "info", started.response_hit ? "running (response resident)" : "running",
      lease.row.worker);
  if (live.job.spec().has_run_timeout()) {
    set_timer(now.monotonic + duration_of(live.job.spec().run_timeout()), TimerKind::kRunTimeout,
              live.job.id(), lease.row.fence);
  }
}

/// The job gives up its lease; a job that waited on that worker gets the slot.
void Core::State::release(const std::string& job_id) {
  const Lease* lease = fleet.lease(job_id);
  if (lease == nullptr) return;
  const std::string name = lease->row.worker;
  fleet.erase_lease(job_id);
  fx.writes.emplace_back(DropLease{job_id});
  promote(*fleet.worker(name));
  forget_if_gone(name);
}

/// On a worker that is known to live only: a job must not be charged for a slot that it never had.
void Core::State::promote(WorkerRecord& worker) {
  const bool alive = worker.session != 0 && now.monotonic < worker.last_heartbeat + config.lease;
  Lease* next = alive ? fleet.promote_prefetched(worker) : nullptr;
  while (next != nullptr) {
    next->predicted_end =
        now.monotonic + from_seconds(find(next->row.job_id)->job.plan().run_seconds());
    fx.writes.emplace_back(PutLease{next->row});
    next = fleet.promote_prefetched(worker);
  }
}

/// Where a job goes whose GPU was too small: to a larger one, or to its end with a word on why.
void Core::State::outgrow(const v1::Job& job, AttemptFailed& failure) const {
  const v1::Attempt& attempt = *job.attempts().rbegin();
  if (!is_gpu(attempt.device())) return;
  Demand demand = demand_of(job);
  demand.outgrown_bytes = std::max(demand.outgrown_bytes, attempt.memory_bytes());
  for (const auto& [name, worker] : fleet.workers()) {
    failure.larger_gpu =
        failure.larger_gpu ||
        (worker.session != 0 && worker.offers(demand.engine) && worker.fits_ever(demand));
  }
  if (failure.larger_gpu) return;
  absl::StrAppend(&failure.message, " (", attempt.device(), " of ", attempt.worker(), " with ",
                  attempt.memory_bytes(),
                  " bytes was too small, and no connected worker has a larger one) [start a worker "
                  "on a larger GPU, or on a CPU, then retry the job]");
}

void Core::State::fail_attempt(LiveJob& live, AttemptFailed failure) {
  const Lease* lease = fleet.lease(live.job.id());
  const std::string worker = lease == nullptr ? "" : lease->row.worker;
  release(live.job.id());
  ++totals.failed_attempts_total[{live.job.engine(), failure.error_class}];
  if (failure.error_class == v1::ERROR_CLASS_OUT_OF_MEMORY) outgrow(live.job, failure);
  log(live.job, "warning",
      absl::StrCat("attempt ", live.job.attempts_size(), " ended, ",
                   class_name(failure.error_class), ": ", failure.message),
      worker);
  change(live, failure);
  settle(live, worker);
}

/// After a failed attempt: another try, or the end.
void Core::State::settle(LiveJob& live, const std::string& last_worker) {
  if (live.job.state() != v1::JOB_STATE_QUEUED) {
    log(live.job, "warning", absl::AsciiStrToLower(state_name(live.job.state())), last_worker);
    return;
  }
  const v1::ErrorClass last = live.job.attempts().rbegin()->error_class();
  if (last == v1::ERROR_CLASS_OUT_OF_MEMORY || last == v1::ERROR_CLASS_WORKER_LOST ||
      last == v1::ERROR_CLASS_DEVICE_ERROR) {
    live.avoid_worker = last_worker;
  }
  if (last == v1::ERROR_CLASS_WORKER_LOST) live.may_prefetch = false;
  enqueue(live);
  if (live.not_before > now.monotonic) {
    log(live.job, "info",
        absl::StrCat("queued again, next try in ", seconds(live.not_before - now.monotonic), " s"));
  }
}

/// The lease ended without the worker's word.
void Core::State::lose_lease(const std::string& job_id, const std::string& why,
                             bool killed_worker) {
  const Lease lease = *fleet.lease(job_id);
  const SessionId session = fleet.worker(lease.row.worker)->session;
  if (session != 0) abandon(session, lease.row.lease_id, lease.row.fence, why);
  AttemptFailed failure{.error_class = v1::ERROR_CLASS_WORKER_LOST,
                        .message = why,
                        .seconds = {},
                        .charged = lease.charged(),
                        .killed_worker = killed_worker && lease.charged()};
  if (lease.stop && !killed_worker) failure.error_class = *lease.stop;
  const bool cordons = !killed_worker && hung(lease) && count_hang(lease, failure);
  if (lease.lost_assign) failure.error_class = v1::ERROR_CLASS_PREEMPTED;
  ++totals.lease_expirations_total;
  fail_attempt(*find(job_id), std::move(failure));
  if (cordons) cordon(*fleet.worker(lease.row.worker));
}

/// Whether the engine of a lease that ends computed on a GPU and fell silent, while its worker
/// still speaks.
bool Core::State::hung(const Lease& lease) const {
  constexpr const char* kFileStages[] = {"wait", "read", "write", "publish"};
  const WorkerRecord& worker = *fleet.worker(lease.row.worker);
  const v1::Job& job = jobs.at(lease.row.job_id).job;
  const bool spoke_since = worker.last_heartbeat + config.lease > lease.expires;
  return worker.session != 0 && lease.started && !lease.stop && spoke_since &&
         is_gpu(worker.device_of(job.engine())) &&
         std::find(std::begin(kFileStages), std::end(kFileStages), job.progress().stage()) ==
             std::end(kFileStages);
}

/// Whether its GPU is to be cordoned for it: then the hang is not the job's.
bool Core::State::count_hang(const Lease& lease, AttemptFailed& failure) {
  WorkerRecord& worker = *fleet.worker(lease.row.worker);
  hangs.hung(worker.gpu(), lease.row.job_id);
  absl::StrAppend(&failure.message, " (its engine hung on ", worker.hello.device(), ")");
  if (hangs.verdict(worker.gpu()).empty() || worker.cordoned()) return false;
  worker.hangs = hangs.verdict(worker.gpu());
  failure.charged = false;
  return true;
}

/// The device is not to be trusted: what it computes goes elsewhere, and nobody is charged for it.
void Core::State::cordon(WorkerRecord& worker) {
  for (const std::string& id : worker.jobs) {
    log(find(id)->job, "warning",
        absl::StrCat("taken off ", worker.name, ": its ", worker.hello.device(), " is cordoned (",
                     worker.cordon_reason(), ")"),
        worker.name);
    stop(*fleet.lease(id), v1::ERROR_CLASS_PREEMPTED);
  }
}

/// An operator vouches for its device.
void Core::State::pardon(WorkerRecord& worker) {
  worker.pardoned_faults = worker.health.faults();
  worker.hangs.clear();
  hangs.forget(worker.gpu());
}

void Core::State::succeed(LiveJob& live, const v1::Finished& finished) {
  const std::string worker = fleet.lease(live.job.id())->row.worker;
  const WorkerRecord& record = *fleet.worker(worker);
  if (is_gpu(record.device_of(live.job.engine()))) hangs.forget(record.gpu());
  release(live.job.id());
  Succeeded success{.outputs = {finished.outputs().begin(), finished.outputs().end()},
                    .seconds = {finished.seconds().begin(), finished.seconds().end()},
                    .summary = {finished.summary().begin(), finished.summary().end()},
                    .response_hit = finished.response_hit()};
  change(live, success);
  log(live.job, "info",
      finished.recovered_fence() == 0
          ? "succeeded"
          : absl::StrCat("succeeded: the product of fence ", finished.recovered_fence(),
                         " was found in place"),
      worker);
}

}  // namespace unfold::server
