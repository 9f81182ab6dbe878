#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/job_store.h"

namespace unfold::server {

/// The contract of JobStore in plain containers, for simulations: as durable as the object. Scans
/// where the SQLite store has indexes.
class MemoryJobStore : public JobStore {
 public:
  absl::Status commit(const std::vector<StoreWrite>& writes,
                      const std::vector<JobEvent>& events) override;
  absl::StatusOr<Snapshot> load() override;
  absl::StatusOr<v1::Job> get(const std::string& id) const override;
  absl::StatusOr<std::vector<IntentRow>> intents(const std::string& job_id) const override;
  absl::StatusOr<JobPage> list(const JobQuery& query) const override;
  absl::StatusOr<std::vector<v1::Job>> changes(const ChangeQuery& query) const override;
  absl::StatusOr<EventPage> events(const std::string& job_id, std::int64_t offset,
                                   int limit) const override;
  absl::StatusOr<v1::Exposure> exposure(const std::string& id) const override;
  absl::StatusOr<ExposurePage> exposures(const ExposureQuery& query) const override;
  JobCounts counts() const override;
  std::int64_t revision() const override;

 private:
  struct Put;
  absl::Status check_fences(const std::vector<StoreWrite>& writes) const;
  void show_cameras(v1::Exposure& exposure) const;

  mutable std::mutex mutex_;        // guards all below
  std::vector<std::string> order_;  // ids as submitted
  std::map<std::string, v1::Job> jobs_;
  std::map<std::pair<std::string, std::string>, PutRequest> requests_;
  std::vector<std::pair<std::string, v1::Exposure>> exposures_;
  std::map<std::string, LeaseRow> leases_;
  std::map<std::pair<std::string, std::int64_t>, IntentRow> intents_;
  std::set<std::string> drains_;
  std::vector<JobEvent> events_;
  JobCounts counts_;
  std::int64_t fence_ = 0;
  std::int64_t revision_ = 0;
};

}  // namespace unfold::server
