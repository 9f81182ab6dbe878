#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "common/metrics/scheduler_metrics.h"
#include "server/jobs/job_store.h"
#include "server/rpc/job_feed.h"

namespace unfold::server {

/// Turns committed changes of jobs into metrics: what ended, how, and how long each part took. A
/// subscriber to every change; jobs that changed before it began are counted from their next change
/// on.
class JobObserver final : public JobFeed::Subscriber {
 public:
  JobObserver(const metrics::SchedulerMetrics& metrics, const JobStore& store)
      : metrics_(metrics), store_(store) {}

  void offer(const JobPtr& job) override;
  void tick(std::int64_t, Time) override {}

 private:
  struct Seen {
    int attempts = 0;  ///< begun
    int ended = 0;
  };

  void count_attempts(const v1::Job& job, Seen& seen) const;
  void count_end(const v1::Job& job) const;
  void count_exposure(const std::string& id);

  const metrics::SchedulerMetrics& metrics_;
  const JobStore& store_;
  std::unordered_map<std::string, Seen> live_;         // feed's thread only
  std::unordered_set<std::string> counted_exposures_;  // feed's thread only
};

}  // namespace unfold::server
