#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/jobs/job_store.h"

namespace unfold::server {

/// Opens (or makes) `folder`/unfold.db: WAL, synchronous=FULL, schema brought up to date. Refused
/// with the remedy: a folder on a network file system (FailedPrecondition), one that another
/// scheduler holds (FailedPrecondition), a file of a newer schema (FailedPrecondition).
absl::StatusOr<std::unique_ptr<JobStore>> open_sqlite_job_store(const std::string& folder);

/// Ok unless `statfs_type` is of a file system whose locks or fsync SQLite cannot trust.
absl::Status check_state_file_system(long statfs_type, const std::string& folder);

}  // namespace unfold::server
