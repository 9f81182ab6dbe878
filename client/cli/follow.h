#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/session.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// When to give up; nothing: never.
using Until = std::optional<std::chrono::steady_clock::time_point>;

struct Followed {
  std::map<std::string, v1::Job> jobs;  ///< the last that was seen of each
  bool all_final = false;               ///< false: the time was up first
};

/// Reports every change of `ids` until all are final. A scheduler that restarts is waited for (up
/// to 60 s without an answer). NotFound for an unknown id.
absl::StatusOr<Followed> follow(Session& session, const std::vector<std::string>& ids, Until until,
                                const std::function<void(const v1::Job&)>& on_change);

/// What `wait`, `watch` and `submit --wait` do: follow with live progress on stderr, say how each
/// ended, and give the exit code. `timeout_text` as typed ("" for none), for the message.
int wait_for_jobs(Session& session, const std::vector<std::string>& ids, Until until,
                  const std::string& timeout_text);

}  // namespace unfold::cli
