#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/plan/plan.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// What a helper does with the files that jobs name.
struct PlanFunctions {
  std::function<absl::StatusOr<plan::Planned>(const v1::JobSpec&)> job;
  std::function<absl::StatusOr<v1::Exposure>(const v1::SubmitExposureRequest&)> exposure;
};

struct HelperLimits {
  std::int64_t memory_bytes = std::int64_t{2} << 30;  ///< of address space, beside what is mapped
  std::int64_t cpu_seconds = 60;                      ///< of one request
};

/// Answers requests from `fd` until it closes. Each gets a fresh CPU budget; running over it, or
/// out of memory, kills the process, which the scheduler reports as the request's fault.
absl::Status serve_plans(int fd, const PlanFunctions& functions, const HelperLimits& limits);

/// Gives up, for good, what a parser does not need: new privileges, core files, most descriptors,
/// memory beyond the limit, and (seccomp) networks, new processes and other processes. Dies with
/// its parent. An error says what this kernel did not allow.
absl::Status confine_this_process(const HelperLimits& limits);

}  // namespace unfold::server
