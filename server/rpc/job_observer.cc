#include "server/rpc/job_observer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "server/jobs/life_cycle.h"

namespace unfold::server {
namespace {

double seconds_between(const google::protobuf::Timestamp& from,
                       const google::protobuf::Timestamp& to) {
  return static_cast<double>(to.seconds() - from.seconds()) +
         1e-9 * static_cast<double>(to.nanos() - from.nanos());
}

const char* class_of(const v1::Job& job) {
  return job.spec().has_deadline() ? "deadline" : "batch";
}

// "WORKER_LOST" of the enumeration's "ERROR_CLASS_WORKER_LOST", in the labels' lower case.
std::string reason_of(v1::ErrorClass error_class) {
  if (error_class == v1::ERROR_CLASS_UNSPECIFIED) return "none";
  constexpr std::size_t kPrefix = sizeof("ERROR_CLASS_") - 1;
  return absl::AsciiStrToLower(v1::ErrorClass_Name(error_class).substr(kPrefix));
}

}  // namespace

void JobObserver::offer(const JobPtr& job) {
  const auto [entry, is_new] = live_.try_emplace(job->id());
  Seen& seen = entry->second;
  if (is_new && job->attempts_size() > 1) seen = {.attempts = job->attempts_size() - 1, .ended = 0};
  count_attempts(*job, seen);
  if (!is_final(job->state())) return;
  count_end(*job);
  if (!job->exposure().empty()) count_exposure(job->exposure());
  live_.erase(entry);
}

// Counted once, when the last of its cameras becomes final.
void JobObserver::count_exposure(const std::string& id) {
  constexpr std::size_t kMostRemembered = 10'000;
  const auto exposure = store_.exposure(id);
  if (!exposure.ok() || !exposure->done()) return;
  if (counted_exposures_.size() >= kMostRemembered) counted_exposures_.clear();
  if (!counted_exposures_.insert(id).second) return;
  const auto succeeded = std::count_if(
      exposure->cameras().begin(), exposure->cameras().end(),
      [](const v1::CameraState& camera) { return camera.state() == v1::JOB_STATE_SUCCEEDED; });
  const char* const outcome = succeeded == exposure->cameras_size() ? "succeeded"
                              : succeeded > 0                       ? "partial"
                                                                    : "failed";
  metrics_.exposures_complete.at({outcome}).Increment();
}

void JobObserver::count_attempts(const v1::Job& job, Seen& seen) const {
  if (seen.attempts == 0 && job.attempts_size() > 0) {
    metrics_.queue_seconds.at({job.engine(), class_of(job)})
        .Observe(seconds_between(job.submitted_at(), job.attempts(0).assigned_at()));
  }
  seen.attempts = std::max(seen.attempts, job.attempts_size());
  for (; seen.ended < job.attempts_size() && job.attempts(seen.ended).has_ended_at();
       ++seen.ended) {
    const v1::Attempt& attempt = job.attempts(seen.ended);
    const bool failed = attempt.error_class() != v1::ERROR_CLASS_UNSPECIFIED;
    metrics_.job_attempts
        .at({job.engine(), failed ? "failed" : "succeeded", reason_of(attempt.error_class())})
        .Increment();
    const char* const response = attempt.response_hit() ? "hit" : "load";
    if (attempt.has_start_seconds()) {
      metrics_.start_seconds.at({job.engine(), response}).Observe(attempt.start_seconds());
    }
    if (attempt.has_idle_seconds()) {
      metrics_.idle_seconds.at({job.engine()}).Observe(attempt.idle_seconds());
    }
  }
}

void JobObserver::count_end(const v1::Job& job) const {
  const std::string outcome = absl::AsciiStrToLower(state_name(job.state()));
  const double took = seconds_between(job.submitted_at(), job.finished_at());
  metrics_.jobs_finished.at({job.engine(), class_of(job), outcome}).Increment();
  metrics_.e2e_seconds.at({job.engine(), class_of(job)}).Observe(took);
  if (job.spec().has_deadline() && seconds_between(job.spec().deadline(), job.finished_at()) > 0) {
    metrics_.deadline_misses.at({job.engine(), class_of(job)}).Increment();
  }
  if (job.state() == v1::JOB_STATE_SUCCEEDED && job.attempts_size() > 0) {
    for (const auto& [phase, seconds] : job.attempts().rbegin()->seconds()) {
      metrics_.run_seconds.at({job.engine(), phase}).Observe(seconds);
    }
    if (job.spec().has_extraction()) {
      metrics_.frames_processed.at({job.engine(), job.spec().extraction().camera()}).Increment();
    }
  }
}

}  // namespace unfold::server
