#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/jobs/job_filter.h"
#include "server/scheduler/core_state.h"

namespace unfold::server {
namespace {

std::string mebibytes(std::int64_t bytes) {
  return absl::StrFormat("%.1f MiB", static_cast<double>(bytes) / 1048576.0);
}

/// Why a job can never fit into a worker's memory.
std::string too_small(const WorkerRecord& worker, const Demand& demand) {
  const std::string budget = mebibytes(worker.hello.memory_bytes());
  const std::string device = worker.device_of(demand.engine);
  if (!is_gpu(device)) {
    return absl::StrCat("the response needs ", mebibytes(demand.response_bytes), ", its budget is ",
                        budget);
  }
  if (demand.outgrown_bytes >= worker.hello.memory_bytes()) {
    return absl::StrCat("an attempt ran out of memory on a GPU of ",
                        mebibytes(demand.outgrown_bytes), ", its ", device, " has ", budget);
  }
  return absl::StrCat("the job needs ", mebibytes(demand.response_bytes + demand.device_bytes),
                      " on the device, its ", device, " has ", budget, " (response ",
                      mebibytes(demand.response_bytes), ", workspace ",
                      mebibytes(demand.device_bytes), ")");
}

/// Why one worker does not take a waiting job now; empty when it could.
std::string why_not(const WorkerRecord& worker, const v1::Job& job) {
  if (worker.session == 0) return "it is lost: no heartbeat";
  if (worker.cordoned()) {
    return absl::StrCat("its ", worker.hello.device(), " is cordoned: ", worker.cordon_reason());
  }
  if (worker.draining) return "it is draining";
  if (worker.leaving) return "it is shutting down";
  if (!worker.offers(job.engine())) return absl::StrCat("it does not offer ", job.engine());
  if (!worker.fits_ever(demand_of(job))) return too_small(worker, demand_of(job));
  if (worker.free_slots() == 0) {
    return absl::StrCat("its ", worker.hello.slots(), " slots are busy");
  }
  if (!worker.fits_now(demand_of(job))) return "running jobs hold the memory that it needs";
  return "";
}

struct Cause {
  const char* summary;
  const char* remedy;
};

Cause cause_of(const Fleet& fleet, const v1::Job& job) {
  bool connected = false;
  bool offered = false;
  bool fits = false;
  bool ready = false;
  for (const auto& [name, worker] : fleet.workers()) {
    if (worker.session == 0) continue;
    connected = true;
    if (!worker.offers(job.engine())) continue;
    offered = true;
    if (!worker.fits_ever(demand_of(job))) continue;
    fits = true;
    ready = ready || worker.ready();
  }
  if (!connected) return {"waiting: no worker is connected", "start a worker"};
  if (!offered) {
    return {"waiting: no connected worker offers its engine", "start a worker with this engine"};
  }
  if (!fits) {
    return {"waiting: it fits into the memory of no connected worker",
            "start a worker with more memory (--memory, or a larger GPU)"};
  }
  if (!ready) {
    return {"waiting: every worker that could run it is draining or cordoned",
            "undrain one, or start another"};
  }
  return {"waiting: the workers are busy with jobs before it",
          "add workers, raise its priority, or give it a deadline"};
}

}  // namespace

/// Until a slot is free for a waiting job: the work before it, shared by the slots that could take
/// it, as if each job before it ran as long as it does. Nothing where no worker takes it.
std::optional<double> Core::State::predicted_wait(const v1::Job& job, Time at) const {
  int slots = 0;
  double work = static_cast<double>(std::max<std::int64_t>(0, queue.position(job.id()))) *
                job.plan().run_seconds();
  for (const auto& [name, worker] : fleet.workers()) {
    const bool takes =
        worker.ready() && worker.offers(job.engine()) && worker.fits_ever(demand_of(job));
    if (!takes) continue;
    slots += worker.hello.slots();
    for (const std::string& id : worker.jobs) {
      const Lease& lease = *fleet.lease(id);
      work += lease.row.prefetch ? jobs.at(id).job.plan().run_seconds()
                                 : std::max(0.0, seconds(lease.predicted_end - at.monotonic));
    }
  }
  if (slots == 0) return std::nullopt;
  return work / slots;
}

std::vector<v1::Worker> Core::workers(Time now) const {
  std::vector<v1::Worker> views;
  for (const auto& [name, worker] : state_->fleet.workers()) {
    views.push_back(state_->fleet.view(worker, now));
  }
  return views;
}

absl::StatusOr<v1::ExplainResponse> Core::explain(const std::string& job_id, Time now) const {
  const LiveJob* live = state_->find(job_id);
  if (live == nullptr) return no_such("live job", job_id);
  const v1::Job& job = live->job;
  v1::ExplainResponse out;
  out.set_queue_position(-1);
  if (const Lease* lease = state_->fleet.lease(job_id)) {
    const WorkerRecord& worker = *state_->fleet.worker(lease->row.worker);
    out.set_summary(absl::StrCat(absl::AsciiStrToLower(state_name(job.state())), " on ",
                                 lease->row.worker, ", attempt ", lease->row.attempt));
    if (job.cancelling()) out.add_details("a cancel is on its way to the worker");
    const v1::Attempt& attempt = *job.attempts().rbegin();
    if (lease->started && !job.plan().response_key().empty()) {
      out.add_details(attempt.response_hit() ? "its response was resident"
                                             : "its response had to be loaded");
    }
    if (lease->device_bytes > 0) {
      out.add_details(absl::StrCat("it reserves ", mebibytes(lease->device_bytes),
                                   " of the worker's ", worker.hello.device(),
                                   " beside its response"));
    }
    if (lease->row.prefetch) out.add_details("it waits for a slot of that worker");
    if (worker.session == 0) {
      out.add_details("the worker's session is broken; the job is kept until its lease ends");
    }
    out.add_details(absl::StrFormat("the lease ends in %.1f s unless the worker renews it",
                                    seconds(lease->expires - now.monotonic)));
    return out;
  }
  if (live->not_before > now.monotonic) {
    out.set_queue_position(0);
    out.set_summary(absl::StrFormat("waiting %.1f s before the next attempt: %s",
                                    seconds(live->not_before - now.monotonic),
                                    job.attempts().rbegin()->message()));
    out.set_remedy("nothing to do: it is tried again by itself");
    return out;
  }
  const Cause cause = cause_of(state_->fleet, job);
  out.set_summary(cause.summary);
  out.set_remedy(cause.remedy);
  out.set_queue_position(std::max<std::int64_t>(0, state_->queue.position(job_id)));
  if (const auto wait = state_->predicted_wait(job, now)) {
    *out.mutable_predicted_start() = google::protobuf::util::TimeUtil::NanosecondsToTimestamp(
        now.unix_ns + from_seconds(*wait).count());
  }
  for (const auto& [name, worker] : state_->fleet.workers()) {
    const std::string why = why_not(worker, job);
    out.add_details(absl::StrCat(
        name, ": ", why.empty() ? "it has a free slot; a busy worker will be done sooner" : why));
  }
  return out;
}

CoreCounts Core::counts(Time now) const {
  CoreCounts counts = state_->totals;
  counts.hangs_total = state_->hangs.totals();
  counts.live_jobs = state_->live_counts;
  counts.leases = static_cast<std::int64_t>(state_->fleet.leases().size());
  for (const std::string& engine : state_->queue.engines()) {
    const QueuedJob* oldest = state_->queue.oldest(engine);
    counts.oldest_queued_seconds[engine] =
        static_cast<double>(now.unix_ns - oldest->submitted_unix_ns) * 1e-9;
  }
  return counts;
}

}  // namespace unfold::server
