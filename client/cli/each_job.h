#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// Whether `id` is an exposure's: "20261120-00051060".
bool is_exposure(const std::string& id);

/// `ids` with each exposure replaced by the jobs of its cameras. NotFound for an unknown exposure.
absl::StatusOr<std::vector<std::string>> job_ids(Session& session,
                                                 const std::vector<std::string>& ids);

/// Does `call` to each of `ids` (an exposure stands for its jobs), names every one that fails,
/// shows the jobs, and gives the common exit code (kPartial when only some went well).
int for_each_job(Session& session, const std::vector<std::string>& ids,
                 const std::function<absl::StatusOr<v1::Job>(const std::string& id)>& call);

}  // namespace unfold::cli
