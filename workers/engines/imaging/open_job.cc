#include "workers/engines/imaging/open_job.h"

#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/plan/imaging_plan.h"

namespace unfold::engine {

absl::StatusOr<OpenJob> open_job(const Roots& roots, const v1::JobSpec& spec,
                                 const v1::Plan& plan) {
  OpenJob job{.spec = spec, .plan = plan, .files = {}, .source = nullptr};
  std::vector<std::string> paths;
  for (const plan::ImagingInput& input : plan::inputs_of(job.imaging())) {
    paths.push_back(input.path);
  }
  UNFOLD_ASSIGN_OR_RETURN(job.files, open_planned(roots, paths, plan));
  UNFOLD_ASSIGN_OR_RETURN(job.source,
                          plan::open_imaging(job.imaging(), [&](const std::string& path) {
                            return job.files.at(path).proc_path();
                          }));
  return job;
}

std::string resident_key(const OpenJob& job, const std::string& kind, const std::string& parts) {
  Sha256 digest;
  std::string text = parts;
  for (const plan::ImagingInput& input : plan::inputs_of(job.imaging())) {
    if (input.field == "imaging.response" && job.header().format == "unfold") continue;
    absl::StrAppend(&text, "\n", input.field, " ", identity_text(input.path, job.plan));
  }
  absl::StrAppend(&text, "\n", job.imaging().binning().SerializeAsString());
  digest.update(std::as_bytes(std::span(text)));
  return absl::StrCat("imaging-", kind, "-", digest.hex().substr(0, 32));
}

}  // namespace unfold::engine
