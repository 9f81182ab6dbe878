#include "client/cli/each_job.h"

#include "client/cli/job_views.h"
#include "client/cli/output.h"
#include "client/cli/words.h"

namespace unfold::cli {

int for_each_job(Session& session, const std::vector<std::string>& ids,
                 const std::function<absl::StatusOr<v1::Job>(const std::string& id)>& call) {
  std::vector<v1::Job> jobs;
  std::vector<ExitCode> codes;
  for (const std::string& id : ids) {
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
