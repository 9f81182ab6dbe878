#pragma once

#include <span>

#include "absl/status/status.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// What the program's exit status says. Scripts rely on these numbers: they never change.
enum ExitCode : int {
  kOk = 0,
  kJobFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kPermission = 4,
  kUnreachable = 5,
  kTimedOut = 6,
  kCancelled = 7,  ///< or expired
  kBadInput = 8,   ///< values, inputs or paths of a job
  kQueueFull = 9,
  kConflict = 10,
  kPartial = 11,
  kInternal = 70,
  kInterrupted = 130,
};

/// Whether a call named things that exist (a job, a worker) or asked for a new job: the same
/// NOT_FOUND is "no such job" of the one and "no such input file" of the other.
enum class CallKind { kLookup, kSubmit };

ExitCode exit_code(const absl::Status& status, CallKind kind);

/// Of a job waited for; kOk only for SUCCEEDED. The job must be final.
ExitCode exit_code(v1::JobState final_state);

/// Of several jobs: their common code; kPartial when some succeeded and some did not; kJobFailed
/// when they failed in different ways.
ExitCode exit_code(std::span<const ExitCode> of_each);

bool is_final(v1::JobState state);

}  // namespace unfold::cli
