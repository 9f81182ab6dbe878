#pragma once

#include "absl/status/status.h"
#include "server/jobs/sqlite_connection.h"

namespace unfold::server {

/// Brings the schema up to date, one transaction per version (PRAGMA user_version). A file of a
/// newer version is FailedPrecondition (reason STORE_TOO_NEW).
absl::Status migrate(Connection& writer);

}  // namespace unfold::server
