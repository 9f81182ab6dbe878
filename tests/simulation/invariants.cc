#include "tests/simulation/invariants.h"

#include <algorithm>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/jobs/life_cycle.h"

namespace unfold::simulation {
namespace {

using server::is_final;

/// Whether a job may be seen in `after` once it was seen in `before`; a step may pass several.
bool may_follow(v1::JobState before, v1::JobState after) {
  if (before == after) return true;
  if (is_final(before)) return after == v1::JOB_STATE_QUEUED || server::is_assigned(after);
  if (before == v1::JOB_STATE_QUEUED) {
    return after == v1::JOB_STATE_LOADING || after == v1::JOB_STATE_CANCELLED ||
           after == v1::JOB_STATE_EXPIRED;
  }
  return after > before || after == v1::JOB_STATE_QUEUED || after == v1::JOB_STATE_LOADING;
}

}  // namespace

void Invariants::committed(const std::vector<server::StoreWrite>& writes) {
  for (const server::StoreWrite& write : writes) {
    if (const auto* put = std::get_if<server::PutJob>(&write)) on_job(put->job);
  }
  for (const server::StoreWrite& write : writes) {
    if (const auto* put = std::get_if<server::PutLease>(&write)) on_lease(put->lease);
    if (const auto* put = std::get_if<server::PutIntent>(&write)) on_intent(put->intent);
    if (const auto* drop = std::get_if<server::DropLease>(&write)) leases_.erase(drop->job_id);
  }
  for (const auto& [name, capacity] : capacity_) check_capacity(name);
}

void Invariants::acknowledged(const std::string& job_id) {
  if (!jobs_.contains(job_id))
    fail(absl::StrCat("I1: acknowledged job ", job_id, " is not stored"));
}

void Invariants::killed_worker(const std::string& job_id, int scheduler_restarts) {
  // Not seen as this job's doing, and so not charged: a death that falls together with a restart of
  // the scheduler, and one in a slot that the worker gave to a waiting job just before it died (at
  // most once, as the job never waits on a worker again).
  if (++kills_[job_id] > 3 + 1 + scheduler_restarts) {
    fail(absl::StrCat("I11: job ", job_id, " killed ", kills_[job_id], " workers"));
  }
}

void Invariants::on_job(const v1::Job& job) {
  if (job.revision() <= revision_) fail(absl::StrCat("I9: revision of ", job.id(), " is not new"));
  revision_ = std::max(revision_, job.revision());
  if (!job.request_id().empty()) {
    const auto [known, is_new] =
        by_request_.try_emplace({job.submitter(), job.request_id()}, job.id());
    if (known->second != job.id()) {
      fail(absl::StrCat("I2: request ", job.request_id(), " made jobs ", known->second, " and ",
                        job.id()));
    }
  }
  if (const auto known = jobs_.find(job.id()); known != jobs_.end()) {
    const v1::JobState before = known->second.state();
    if (!may_follow(before, job.state())) {
      fail(absl::StrCat("I8: job ", job.id(), " went from ", server::state_name(before), " to ",
                        server::state_name(job.state())));
    }
    if (is_final(before) && retries_.erase(job.id()) == 0) {
      fail(absl::StrCat("I5: job ", job.id(), " changed after ", server::state_name(before)));
    }
  }
  if (job.state() == v1::JOB_STATE_SUCCEEDED) check_success(job);
  jobs_[job.id()] = job;
}

void Invariants::check_success(const v1::Job& job) {
  if (job.outputs_size() == 0) return;
  const Folder::File* file = folder_.find(job.spec().probe().output());
  if (file == nullptr)
    return fail(absl::StrCat("I3: job ", job.id(), " succeeded without product"));
  if (file->content.sha256 != job.outputs(0).sha256()) {
    fail(absl::StrCat("I3: the product of job ", job.id(), " is not the reported one"));
  }
  if (!intents_.contains({job.id(), file->fence})) {
    fail(absl::StrCat("I3: the product of job ", job.id(), " carries fence ", file->fence,
                      ", which is not on record"));
  }
}

void Invariants::on_lease(const server::LeaseRow& lease) {
  const v1::Job& job = jobs_.at(lease.job_id);
  if (job.state() == v1::JOB_STATE_CANCELLED && job.attempts_size() == 0) {
    fail(absl::StrCat("I10: job ", lease.job_id, " runs though it was cancelled before"));
  }
  leases_[lease.job_id] = lease;
}

void Invariants::on_intent(const server::IntentRow& intent) {
  const auto lease = leases_.find(intent.job_id);
  if (lease == leases_.end() || lease->second.fence != intent.fence) {
    fail(absl::StrCat("I3: an intent of job ", intent.job_id, " was recorded under fence ",
                      intent.fence, ", which does not hold its lease"));
  }
  intents_[{intent.job_id, intent.fence}] = intent;
}

void Invariants::check_capacity(const std::string& worker) {
  int running = 0;
  int waiting = 0;
  std::map<std::string, std::int64_t> held;
  for (const auto& [id, lease] : leases_) {
    if (lease.worker != worker) continue;
    ++(lease.prefetch ? waiting : running);
    const auto job = jobs_.find(id);
    if (job != jobs_.end() && !job->second.plan().response_key().empty()) {
      held[job->second.plan().response_key()] = job->second.plan().response_bytes();
    }
  }
  std::int64_t bytes = 0;
  for (const auto& [key, size] : held) bytes += size;
  const Capacity& capacity = capacity_.at(worker);
  if (running > capacity.slots || waiting > 1 || bytes > capacity.memory_bytes) {
    fail(absl::StrCat("I6: ", worker, " has ", running, " running, ", waiting, " waiting, ", bytes,
                      " bytes"));
  }
}

void Invariants::check_files() {
  for (const auto& [name, file] : folder_.files()) {
    if (absl::EndsWith(name, ".part")) continue;
    if (!file.synced) fail(absl::StrCat("I4: ", name, " was never synced"));
    const auto intent = intents_.find({file.job, file.fence});
    if (intent == intents_.end()) {
      fail(absl::StrCat("I4: ", name, " is in place but no intent of fence ", file.fence,
                        " is on record"));
    } else if (intent->second.outputs.empty() ||
               intent->second.outputs[0].sha256() != file.content.sha256) {
      fail(absl::StrCat("I4: ", name, " is not what the intent of fence ", file.fence, " says"));
    }
    const auto job = jobs_.find(file.job);
    if (job != jobs_.end() && job->second.state() == v1::JOB_STATE_SUCCEEDED) {
      check_success(job->second);
    }
  }
}

std::vector<std::string> Invariants::unfinished() const {
  std::vector<std::string> ids;
  for (const auto& [id, job] : jobs_) {
    if (!is_final(job.state())) ids.push_back(id);
  }
  return ids;
}

}  // namespace unfold::simulation
