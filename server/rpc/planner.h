#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "common/plan/plan.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// Validates jobs against their inputs without risk to the scheduler. Thread safe.
class Planner {
 public:
  virtual ~Planner() = default;

  using Planned = std::function<void(absl::StatusOr<plan::Planned>)>;
  /// Calls `done` once, on any thread, perhaps before it returns.
  virtual void plan(v1::JobSpec spec, Planned done) = 0;

  /// The cameras of an exposure: a specification each, or the problem that keeps it from running.
  using Cameras = std::function<void(absl::StatusOr<v1::Exposure>)>;
  virtual void plan_exposure(v1::SubmitExposureRequest request, Cameras done) = 0;
};

}  // namespace unfold::server
