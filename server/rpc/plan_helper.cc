#include "server/rpc/plan_helper.h"

#include <sys/resource.h>

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "server/rpc/plan_frames.h"
#include "unfold/v1/job_service.pb.h"

namespace unfold::server {
namespace {

using Result = v1::BatchSubmitResponse::Result;

// The limit counts the process's whole life: what it used so far, and the request's share.
void grant_cpu(std::int64_t seconds) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto so_far = used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1;
  rlimit limit{};
  getrlimit(RLIMIT_CPU, &limit);
  limit.rlim_cur = static_cast<rlim_t>(so_far + seconds);
  setrlimit(RLIMIT_CPU, &limit);
}

PlanFrame result_frame(const absl::Status& status) {
  Result result;
  result.set_code(static_cast<int>(status.code()));
  result.set_message(std::string(status.message()));
  result.mutable_error()->ParseFromString(error_detail_bytes(status));
  return {.kind = PlanFrame::Kind::kResult, .body = result.SerializeAsString()};
}

// An input that cannot be read or held is its job's fault. As UNAVAILABLE or RESOURCE_EXHAUSTED it
// would look like the service's, and callers would try again.
PlanFrame refusal_frame(const absl::Status& status) {
  const bool like_an_outage =
      absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDataLoss(status);
  if (!like_an_outage || field_of(status).empty()) return result_frame(status);
  return result_frame(status_from_wire(absl::StatusCode::kFailedPrecondition,
                                       std::string(status.message()), error_detail_bytes(status)));
}

PlanFrame plan_job(const PlanFunctions& functions, const std::string& body) {
  v1::JobSpec spec;
  if (!spec.ParseFromString(body)) return result_frame(absl::InternalError("unreadable request"));
  auto planned = functions.job(spec);
  if (!planned.ok()) return refusal_frame(planned.status());
  Result result;
  *result.mutable_job()->mutable_spec() = std::move(planned->spec);
  *result.mutable_job()->mutable_plan() = std::move(planned->plan);
  return {.kind = PlanFrame::Kind::kResult, .body = result.SerializeAsString()};
}

PlanFrame plan_exposure(const PlanFunctions& functions, const std::string& body) {
  v1::SubmitExposureRequest request;
  if (!request.ParseFromString(body)) {
    return result_frame(absl::InternalError("unreadable request"));
  }
  const auto exposure = functions.exposure(request);
  if (!exposure.ok()) return refusal_frame(exposure.status());
  return {.kind = PlanFrame::Kind::kCameras, .body = exposure->SerializeAsString()};
}

PlanFrame answer(const PlanFunctions& functions, const PlanFrame& request) {
  try {
    return request.kind == PlanFrame::Kind::kExposure ? plan_exposure(functions, request.body)
                                                      : plan_job(functions, request.body);
  } catch (const std::bad_alloc&) {
    return result_frame(error({.code = absl::StatusCode::kInvalidArgument,
                               .reason = "INPUT_TOO_LARGE",
                               .field = "",
                               .what = "the inputs need too much memory to check",
                               .why = "a validation helper has a limit",
                               .remedy = "check the files"}));
  } catch (const std::exception& failure) {
    return result_frame(absl::InternalError(failure.what()));
  }
}

}  // namespace

absl::Status serve_plans(int fd, const PlanFunctions& functions, const HelperLimits& limits) {
  for (;;) {
    UNFOLD_ASSIGN_OR_RETURN(const auto request, read_frame(fd, std::nullopt));
    if (!request) return absl::OkStatus();
    grant_cpu(limits.cpu_seconds);
    UNFOLD_RETURN_IF_ERROR(write_frame(fd, answer(functions, *request)));
  }
}

}  // namespace unfold::server
