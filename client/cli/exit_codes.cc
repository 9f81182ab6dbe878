#include "client/cli/exit_codes.h"

#include <algorithm>

#include "common/base/error.h"

namespace unfold::cli {

ExitCode exit_code(const absl::Status& status, CallKind kind) {
  using enum absl::StatusCode;
  const bool submit = kind == CallKind::kSubmit;
  switch (status.code()) {
    case kOk:
      return ExitCode::kOk;
    case kInvalidArgument:
    case kOutOfRange:
      return kBadInput;
    case kNotFound:
      return submit ? kBadInput : ExitCode::kNotFound;
    case kFailedPrecondition:
      return submit ? kBadInput : kConflict;
    // A file that the service may not read names its field; a role that is missing names none.
    case kPermissionDenied:
      return submit && !field_of(status).empty() ? kBadInput : kPermission;
    case kUnauthenticated:
      return kPermission;
    case kUnavailable:
    case kDeadlineExceeded:
      return kUnreachable;
    case kResourceExhausted:
      return kQueueFull;
    case kAlreadyExists:
    case kAborted:
      return kConflict;
    default:
      return ExitCode::kInternal;
  }
}

ExitCode exit_code(v1::JobState final_state) {
  switch (final_state) {
    case v1::JOB_STATE_SUCCEEDED:
      return kOk;
    case v1::JOB_STATE_CANCELLED:
    case v1::JOB_STATE_EXPIRED:
      return kCancelled;
    case v1::JOB_STATE_FAILED:
    case v1::JOB_STATE_QUARANTINED:
      return kJobFailed;
    default:
      return kInternal;
  }
}

ExitCode exit_code(std::span<const ExitCode> of_each) {
  if (of_each.empty()) return kOk;
  const bool all_equal = std::all_of(of_each.begin(), of_each.end(),
                                     [&](ExitCode code) { return code == of_each.front(); });
  if (all_equal) return of_each.front();
  return std::find(of_each.begin(), of_each.end(), kOk) == of_each.end() ? kJobFailed : kPartial;
}

bool is_final(v1::JobState state) { return state >= v1::JOB_STATE_SUCCEEDED; }

}  // namespace unfold::cli
