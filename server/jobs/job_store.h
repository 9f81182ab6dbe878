#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/jobs/store_types.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/job_service.pb.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// One page of a listing. An empty `next_page_token` ends it.
struct JobQuery {
  std::string filter = {};  ///< the language of ListJobsRequest
  int page_size = 100;
  std::string page_token = {};
};
struct JobPage {
  std::vector<v1::Job> jobs;  ///< newest first
  std::string next_page_token;
  std::int64_t revision = 0;
  std::int64_t total = -1;  ///< -1: not known without a scan
};
struct ExposureQuery {
  std::int32_t night = 0;  ///< 0: all
  int page_size = 100;
  std::string page_token = {};
};
struct ExposurePage {
  std::vector<v1::Exposure> exposures;  ///< newest first
  std::string next_page_token;
};
/// Jobs changed after a revision, each once with its last state, oldest change first.
struct ChangeQuery {
  std::int64_t from_revision = 0;
  std::string job_id = {};    ///< only this one, or empty
  std::string exposure = {};  ///< only its jobs, or empty
  int limit = 1000;
};
struct EventPage {
  std::vector<JobEvent> events;  ///< oldest first
  std::int64_t next_offset = 0;
};
using JobCounts = std::map<std::pair<std::string, v1::JobState>, std::int64_t>;  ///< engine, state

/// What the scheduler remembers. commit() and load() belong to one writer thread; the queries are
/// thread safe and see only what is committed. Errors: NotFound, InvalidArgument (filter,
/// page_token), Aborted (a PutIntent whose fence is not the lease's), Unavailable (I/O).
class JobStore {
 public:
  virtual ~JobStore() = default;

  /// All of it durably, or nothing and an error.
  virtual absl::Status commit(const std::vector<StoreWrite>& writes,
                              const std::vector<JobEvent>& events) = 0;
  virtual absl::StatusOr<Snapshot> load() = 0;

  virtual absl::StatusOr<v1::Job> get(const std::string& id) const = 0;
  /// Intents on record, for a Retry.
  virtual absl::StatusOr<std::vector<IntentRow>> intents(const std::string& job_id) const = 0;
  virtual absl::StatusOr<JobPage> list(const JobQuery& query) const = 0;
  virtual absl::StatusOr<std::vector<v1::Job>> changes(const ChangeQuery& query) const = 0;
  virtual absl::StatusOr<EventPage> events(const std::string& job_id, std::int64_t offset,
                                           int limit) const = 0;
  /// With the present state of each camera's job.
  virtual absl::StatusOr<v1::Exposure> exposure(const std::string& id) const = 0;
  virtual absl::StatusOr<ExposurePage> exposures(const ExposureQuery& query) const = 0;
  virtual JobCounts counts() const = 0;
  virtual std::int64_t revision() const = 0;  ///< of the last change
};

}  // namespace unfold::server
