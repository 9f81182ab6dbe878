#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "server/jobs/job_store.h"
#include "server/jobs/sqlite_connection.h"

namespace unfold::server {

/// What one transaction changes beside the tables: applied to the counters once it is durable.
struct WriteSummary {
  JobCounts counts;  ///< differences
  std::int64_t revision = 0;
};

/// The writing half of the SQLite store: executes writes inside the caller's transaction.
absl::Status write_all(Connection& writer, const std::vector<StoreWrite>& writes,
                       const std::vector<JobEvent>& events, WriteSummary& summary);

}  // namespace unfold::server
