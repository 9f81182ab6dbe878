#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/store_types.h"
#include "tests/simulation/files.h"

namespace unfold::simulation {

/// Watches everything that becomes durable and every file, and says what must never be (the
/// numbers are those of the reliability plan):
///   I1  an acknowledged job is in the store                        -> acknowledged()
///   I2  one job for each (caller, request_id)                      -> on_job()
///   I3  one success; its product carries a fence on record, and an intent is recorded only under
///       the fence that holds the lease                             -> on_job(), on_intent()
///   I4  a file with a final name is complete and is what an intent on record says -> check_files()
///   I5  a final state is final, unless a Retry was asked for       -> on_job()
///   I6  leases per worker within its slots and prefetch depth, responses within its memory
///                                                                  -> on_lease()
///   I7  every job ends once faults stop                            -> World::settled()
///   I8  states follow each other as the life cycle allows          -> on_job()
///   I9  revisions strictly increase                                -> on_job()
///   I10 a job cancelled before its dispatch never runs             -> on_lease()
///   I11 a poison job kills at most three workers                   -> killed_worker()
///   I12 a worker without identity gets no job                      -> World (anonymous worker)
///   and, for adoption: no assignment while an earlier one's worker still holds its lease by its
///   own, cautious clock                                            -> World::on_new_lease()
class Invariants {
 public:
  explicit Invariants(const Folder& folder) : folder_(folder) {}

  struct Capacity {
    int slots = 0;
    std::int64_t memory_bytes = 0;
  };
  void add_worker(const std::string& name, Capacity capacity) { capacity_[name] = capacity; }

  void committed(const std::vector<server::StoreWrite>& writes);
  void acknowledged(const std::string& job_id);
  void retry_asked(const std::string& job_id) {
    retries_.insert(job_id);
    kills_.erase(job_id);
  }
  void killed_worker(const std::string& job_id, int scheduler_restarts);
  void check_files();

  /// The first thing that went wrong, or empty.
  const std::string& violation() const { return violation_; }
  void fail(const std::string& what) {
    if (violation_.empty()) violation_ = what;
  }

  const std::map<std::string, v1::Job>& jobs() const { return jobs_; }
  std::vector<std::string> unfinished() const;

 private:
  void on_job(const v1::Job& job);
  void on_lease(const server::LeaseRow& lease);
  void on_intent(const server::IntentRow& intent);
  void check_success(const v1::Job& job);
  void check_capacity(const std::string& worker);

  const Folder& folder_;
  std::string violation_;
  std::int64_t revision_ = 0;
  std::map<std::string, Capacity> capacity_;
  std::map<std::string, v1::Job> jobs_;
  std::map<std::pair<std::string, std::string>, std::string> by_request_;
  std::map<std::string, server::LeaseRow> leases_;
  std::map<std::pair<std::string, std::int64_t>, server::IntentRow> intents_;
  std::set<std::string> retries_;
  std::map<std::string, int> kills_;
};

}  // namespace unfold::simulation
