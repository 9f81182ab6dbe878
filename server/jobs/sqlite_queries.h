#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/jobs/job_store.h"
#include "server/jobs/sqlite_connection.h"

namespace unfold::server {

// The reading half of the SQLite store: each on a connection that the caller holds for the call.
absl::StatusOr<v1::Job> select_job(Connection& connection, const std::string& id);
absl::StatusOr<JobPage> select_page(Connection& connection, const JobQuery& query,
                                    const JobCounts& counts);
absl::StatusOr<std::vector<v1::Job>> select_changes(Connection& connection,
                                                    const ChangeQuery& query);
absl::StatusOr<EventPage> select_events(Connection& connection, const std::string& job_id,
                                        std::int64_t offset, int limit);
absl::StatusOr<v1::Exposure> select_exposure(Connection& connection, const std::string& id);
absl::StatusOr<ExposurePage> select_exposures(Connection& connection, const ExposureQuery& query);
absl::StatusOr<std::vector<IntentRow>> select_intents(Connection& connection,
                                                      const std::string& job_id);
absl::StatusOr<Snapshot> select_snapshot(Connection& connection);
absl::StatusOr<JobCounts> select_counts(Connection& connection);
absl::StatusOr<std::int64_t> select_meta(Connection& connection, const std::string& key);

}  // namespace unfold::server
