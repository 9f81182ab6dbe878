#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "unfold/v1/admin_service.pb.h"

namespace unfold::cli {

/// One thing that `unfold doctor` looked at.
struct Check {
  enum class Result { kOk, kWarning, kProblem };
  std::string name;
  Result result = Result::kOk;
  std::string found;
  std::string remedy;  ///< empty when it is ok
};

// Each looks at one thing; nothing is changed.
Check check_server(const absl::StatusOr<v1::SchedulerStatus>& status, const std::string& server);
Check check_version(const v1::SchedulerStatus& status);
Check check_workers(const v1::ListWorkersResponse& workers);
/// `folder` as the scheduler has it ("DIR", "DIR:ro"), seen from this machine.
Check check_root(const std::string& name, const std::string& folder);
Check check_disk(const std::string& name, const std::string& folder);
Check check_clock();
Check check_instruction_set();
Check check_cuda(const std::string& program_folder);
Check check_programs(const std::string& program_folder);

}  // namespace unfold::cli
