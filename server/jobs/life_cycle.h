#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// Everything that can happen to one job. What names an attempt here has been checked against the
/// job's lease and fence by the caller.
struct Assigned {
  std::int64_t fence = 0;
  std::string worker;
  std::string device = "cpu";
  std::int64_t memory_bytes = 0;  ///< that worker's budget
};
struct AttemptStarted {
  bool response_hit = false;
  double load_seconds = 0;
  std::optional<double> start_seconds = {};
  std::optional<double> idle_seconds = {};
};
struct Progressed {
  v1::Progress progress;
};
struct IntentRecorded {};
struct Succeeded {
  std::vector<v1::OutputFile> outputs = {};
  std::map<std::string, double> seconds = {};
  std::map<std::string, double> summary = {};
  bool response_hit = false;
};
struct AttemptFailed {
  v1::ErrorClass error_class = v1::ERROR_CLASS_ENGINE_ERROR;
  std::string message = {};
  std::map<std::string, double> seconds = {};
  bool charged = true;         ///< it held a slot
  bool killed_worker = false;  ///< its worker process died
  bool larger_gpu = false;     ///< one is connected, or a CPU's worker; of out_of_memory on a GPU
};
struct CancelRequested {};
struct DeadlinePassed {};
struct RetryRequested {};

using JobChange = std::variant<Assigned, AttemptStarted, Progressed, IntentRecorded, Succeeded,
                               AttemptFailed, CancelRequested, DeadlinePassed, RetryRequested>;

enum class Outcome { kChanged, kIgnored };  ///< kIgnored: a duplicate or too late to matter

struct LifeCycleLimits {
  int max_attempts = 3;  ///< where the spec names none
  int max_worker_deaths = 3;
};

/// The life of a job: pure and defined for every (state, change). FailedPrecondition (reason
/// WRONG_STATE) where the change is not allowed; the job is then untouched, as for kIgnored.
absl::StatusOr<Outcome> apply(v1::Job& job, const JobChange& change, Time now,
                              const LifeCycleLimits& limits);

bool is_final(v1::JobState state);
bool is_assigned(v1::JobState state);        ///< LOADING, RUNNING, PUBLISHING
std::string state_name(v1::JobState state);  ///< "RUNNING"

/// How long a job that was just queued again waits before it may be assigned.
Duration retry_delay(const v1::Job& job);

/// The memory of the largest GPU that was too small for it since the last Retry; 0: none was.
std::int64_t outgrown_bytes(const v1::Job& job);

/// Attempts that count against the limits: charged, and made since the last Retry.
int charged_attempts(const v1::Job& job);

}  // namespace unfold::server
