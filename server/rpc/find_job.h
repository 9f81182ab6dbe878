#pragma once

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "server/rpc/backend.h"
#include "unfold/v1/job_service.pb.h"

namespace unfold::server {

/// Calls `then` with the job as it is now: a live one with the progress that the core knows, a
/// final one from the store alone. `then` may run before this returns, or on the loop's thread, and
/// must not block. NotFound names the field `id`.
void find_job(const Backend& backend, const std::string& id,
              std::function<void(absl::StatusOr<v1::Job>)> then);

/// The job that this very request made before, by its request_id; nothing where it is new. On the
/// loop's thread.
std::optional<absl::StatusOr<v1::Job>> repeated_job(const Backend& backend, const Core& core,
                                                    const std::string& submitter,
                                                    const v1::SubmitRequest& request);

/// FailedPrecondition unless `Retry` would accept the job.
absl::StatusOr<v1::Job> check_retryable(absl::StatusOr<v1::Job> job);

/// Why a final job is where it is.
absl::StatusOr<v1::ExplainResponse> explain_final(const absl::StatusOr<v1::Job>& job);

/// Counts an accepted job; one whose revision is not after `before` was submitted earlier.
void count_submitted(const metrics::SchedulerMetrics& metrics, const absl::StatusOr<v1::Job>& job,
                     std::int64_t before, const std::string& source);

}  // namespace unfold::server
