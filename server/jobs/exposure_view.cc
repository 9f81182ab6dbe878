#include "server/jobs/exposure_view.h"

#include <algorithm>

#include "server/jobs/life_cycle.h"

namespace unfold::server {

void show_job(v1::Exposure& exposure, const v1::Job& job) {
  for (v1::CameraState& camera : *exposure.mutable_cameras()) {
    if (camera.job_id() != job.id()) continue;
    camera.set_state(job.state());
    if (job.has_progress()) *camera.mutable_progress() = job.progress();
    if (!job.message().empty()) camera.set_problem(job.message());
  }
  exposure.set_revision(std::max(exposure.revision(), job.revision()));
}

void show_done(v1::Exposure& exposure) {
  exposure.set_done(std::all_of(exposure.cameras().begin(), exposure.cameras().end(),
                                [](const v1::CameraState& camera) {
                                  return camera.job_id().empty() || is_final(camera.state());
                                }));
}

v1::Exposure merged(const v1::Exposure& older, const v1::Exposure& newer) {
  v1::Exposure out = newer;
  for (const v1::CameraState& camera : older.cameras()) {
    const bool named = std::any_of(
        newer.cameras().begin(), newer.cameras().end(),
        [&](const v1::CameraState& other) { return other.camera() == camera.camera(); });
    if (!named) *out.add_cameras() = camera;
  }
  std::sort(out.mutable_cameras()->begin(), out.mutable_cameras()->end(),
            [](const auto& a, const auto& b) { return a.camera() < b.camera(); });
  return out;
}

}  // namespace unfold::server
