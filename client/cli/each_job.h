#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// Does `call` to each of `ids`, names every one that fails, shows the jobs, and gives the common
/// exit code (kPartial when only some went well).
int for_each_job(Session& session, const std::vector<std::string>& ids,
                 const std::function<absl::StatusOr<v1::Job>(const std::string& id)>& call);

}  // namespace unfold::cli
