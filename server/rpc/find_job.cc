#include "server/rpc/find_job.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/error.h"
#include "server/jobs/life_cycle.h"
#include "server/rpc/job_requests.h"

namespace unfold::server {

void find_job(const Backend& backend, const std::string& id,
              std::function<void(absl::StatusOr<v1::Job>)> then) {
  auto stored = backend.store.get(id);
  if (!stored.ok() || is_final(stored->state())) {
    then(std::move(stored));
    return;
  }
  backend.loop.post_read([&backend, id, then = std::move(then)](const Core& core, Time) {
    const v1::Job* live = core.live_job(id);
    then(live != nullptr ? *live : backend.store.get(id));
  });
}

std::optional<absl::StatusOr<v1::Job>> repeated_job(const Backend& backend, const Core& core,
                                                    const std::string& submitter,
                                                    const v1::SubmitRequest& request) {
  if (request.request_id().empty()) return std::nullopt;
  const auto known = core.known_request(submitter, request.request_id());
  if (!known || known->digest != request_digest(request)) return std::nullopt;
  const v1::Job* live = core.live_job(known->job_id);
  return live != nullptr ? *live : backend.store.get(known->job_id);
}

absl::StatusOr<v1::Job> check_retryable(absl::StatusOr<v1::Job> job) {
  if (!job.ok()) return job;
  if (is_final(job->state()) && job->state() != v1::JOB_STATE_SUCCEEDED) return job;
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "NOT_RETRYABLE",
                .field = "id",
                .what = absl::StrCat("job ", job->id(), " cannot be retried"),
                .why = absl::StrCat("it is ", state_name(job->state())),
                .remedy = "only jobs that ended without success can"});
}

namespace {

/// How soon it computed.
std::string pace(const v1::Attempt& attempt) {
  constexpr double kMilli = 1e-3;
  if (attempt.has_start_seconds()) {
    return absl::StrFormat(", computing %.1f ms after it came", attempt.start_seconds() / kMilli);
  }
  if (!attempt.has_idle_seconds()) return "";
  return absl::StrFormat(", computing %.1f ms after the job before it",
                         attempt.idle_seconds() / kMilli);
}

}  // namespace

absl::StatusOr<v1::ExplainResponse> explain_final(const absl::StatusOr<v1::Job>& job) {
  if (!job.ok()) return job.status();
  v1::ExplainResponse response;
  response.set_queue_position(-1);
  response.set_summary(absl::StrCat("The job is final: ", state_name(job->state()), "."));
  if (!job->message().empty()) response.add_details(job->message());
  for (const v1::Attempt& attempt : job->attempts()) {
    response.add_details(absl::StrCat("Attempt ", attempt.number(), " ran on ", attempt.worker(),
                                      attempt.device().empty() ? "" : ", ", attempt.device(),
                                      attempt.response_hit() ? ", its response was resident" : "",
                                      pace(attempt), attempt.message().empty() ? "" : ": ",
                                      attempt.message()));
  }
  if (job->state() != v1::JOB_STATE_SUCCEEDED) {
    response.set_remedy(absl::StrCat("unfold retry ", job->id(), " queues it again"));
  }
  return response;
}

void count_submitted(const metrics::SchedulerMetrics& metrics, const absl::StatusOr<v1::Job>& job,
                     std::int64_t before, const std::string& source) {
  if (!job.ok() || job->revision() <= before || job->attempts_size() > 0) return;
  const char* const job_class = job->spec().has_deadline() ? "deadline" : "batch";
  metrics.jobs_submitted.at({job->engine(), job_class, source}).Increment();
}

}  // namespace unfold::server
