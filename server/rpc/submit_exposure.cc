#include "server/rpc/submit_exposure.h"

#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "server/rpc/job_requests.h"

namespace unfold::server {
namespace {

v1::SubmitRequest camera_request(const v1::SubmitExposureRequest& exposure,
                                 const v1::CameraState& camera) {
  v1::SubmitRequest request;
  v1::JobSpec& spec = *request.mutable_spec();
  *spec.mutable_extraction() = camera.spec();
  spec.set_priority(exposure.priority());
  if (exposure.has_deadline()) *spec.mutable_deadline() = exposure.deadline();
  spec.set_overwrite(exposure.overwrite());
  spec.set_parents(exposure.parents());
  request.set_source(exposure.source());
  return request;
}

// One exposure between its plan and its answer. Each camera's plan writes its own slot.
class Submission : public std::enable_shared_from_this<Submission> {
 public:
  Submission(const Backend& backend, const Call& call, const v1::SubmitExposureRequest& request,
             v1::Exposure exposure, v1::Exposure* response)
      : backend_(backend),
        call_(call),
        request_(request),
        exposure_(std::move(exposure)),
        response_(response),
        jobs_(static_cast<std::size_t>(exposure_.cameras_size()), absl::UnknownError("")),
        unplanned_(exposure_.cameras_size() + 1) {}

  void plan() {
    for (int i = 0; i < exposure_.cameras_size(); ++i) {
      const v1::CameraState& camera = exposure_.cameras(i);
      if (camera.problem().empty()) {
        plan_camera(i, camera_request(request_, camera));
      } else {
        one_planned();
      }
    }
    one_planned();
  }

 private:
  void plan_camera(int index, const v1::SubmitRequest& request) {
    if (auto bad = check_job(request.spec(), false, backend_.clock.now()); !bad.ok()) {
      camera_planned(index, request, bad);
      return;
    }
    backend_.planner.plan(request.spec(), [self = shared_from_this(), index,
                                           request](absl::StatusOr<plan::Planned> planned) {
      self->camera_planned(index, request, std::move(planned));
    });
  }

  void camera_planned(int index, const v1::SubmitRequest& request,
                      absl::StatusOr<plan::Planned> planned) {
    v1::CameraState& camera = *exposure_.mutable_cameras(index);
    if (planned.ok()) {
      NewJob job = new_job(request, *std::move(planned), call_.submitter());
      job.exposure = exposure_.id();
      *camera.mutable_spec() = job.spec.extraction();
      jobs_[static_cast<std::size_t>(index)] = std::move(job);
    } else {
      camera.set_problem(std::string(planned.status().message()));
    }
    one_planned();
  }

  void one_planned() {
    if (--unplanned_ == 0) submit();
  }

  void submit() {
    if (request_.validate_only()) {
      *response_ = exposure_;
      call_.finish(absl::OkStatus());
      return;
    }
    SubmitJobs event;
    event.exposure = exposure_;
    event.exposure_request_id = request_.request_id();
    event.exposure_request_digest = request_digest(request_);
    event.exposure_submitter = call_.submitter();
    for (auto& job : jobs_) {
      if (job.ok()) event.jobs.push_back(*std::move(job));
    }
    call_.act<SubmitReply>(
        [&event](Token token) {
          event.token = token;
          return std::move(event);
        },
        [response = response_](SubmitReply reply) {
          if (reply.exposure) *response = *std::move(reply.exposure);
          return absl::OkStatus();
        });
  }

  const Backend& backend_;
  const Call call_;
  const v1::SubmitExposureRequest& request_;
  v1::Exposure exposure_;
  v1::Exposure* const response_;
  std::vector<absl::StatusOr<NewJob>> jobs_;  // as exposure_.cameras
  std::atomic<int> unplanned_;
};

}  // namespace

void submit_exposure(const Backend& backend, const Call& call,
                     const v1::SubmitExposureRequest& request, v1::Exposure* response) {
  backend.planner.plan_exposure(request, [&backend, call, &request,
                                          response](absl::StatusOr<v1::Exposure> exposure) {
    if (!exposure.ok()) {
      call.finish(exposure.status());
      return;
    }
    std::make_shared<Submission>(backend, call, request, *std::move(exposure), response)->plan();
  });
}

}  // namespace unfold::server
