#include "client/cli/each_job.h"

#include "client/cli/job_views.h"
#include "client/cli/output.h"
#include "client/cli/words.h"
#include "common/base/status_macros.h"

namespace unfold::cli {

bool is_exposure(const std::string& id) {
  constexpr std::size_t kNightDigits = 8;
  return id.size() > kNightDigits + 1 && id[kNightDigits] == '-' &&
         id.find_first_not_of("0123456789-") == std::string::npos;
}

absl::StatusOr<std::vector<std::string>> job_ids(Session& session,
                                                 const std::vector<std::string>& ids) {
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    if (!is_exposure(id)) {
      out.push_back(id);
      continue;
    }
    UNFOLD_ASSIGN_OR_RETURN(const v1::Exposure exposure, session.client().get_exposure(id));
    for (const v1::CameraState& camera : exposure.cameras()) {
      if (!camera.job_id().empty()) out.push_back(camera.job_id());
    }
  }
  return out;
}

int for_each_job(Session& session, const std::vector<std::string>& ids,
                 const std::function<absl::StatusOr<v1::Job>(const std::string& id)>& call) {
  const absl::StatusOr<std::vector<std::string>> all = job_ids(session, ids);
  if (!all.ok()) return session.fail(all.status());
  std::vector<v1::Job> jobs;
  std::vector<ExitCode> codes;
  for (const std::string& id : *all) {
    absl::StatusOr<v1::Job> job = call(id);
    codes.push_back(job.ok() ? kOk : static_cast<ExitCode>(session.fail(job.status())));
    if (job.ok()) jobs.push_back(*std::move(job));
  }
  if (!jobs.empty()) {
    emit_list(session, "jobs", pointers(jobs), job_table(jobs, timestamp_now()));
  }
  return exit_code(codes);
}

}  // namespace unfold::cli
