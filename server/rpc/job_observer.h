#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/metrics/scheduler_metrics.h"
#include "server/rpc/job_feed.h"

namespace unfold::server {

/// Turns committed changes of jobs into metrics: what ended, how, and how long each part took. A
/// subscriber to every change; jobs that changed before it began are counted from their next change
/// on.
class JobObserver final : public JobFeed::Subscriber {
 public:
  explicit JobObserver(const metrics::SchedulerMetrics& metrics) : metrics_(metrics) {}

  void offer(const JobPtr& job) override;
  void tick(std::int64_t, Time) override {}

 private:
  struct Seen {
    int attempts = 0;  ///< begun
    int ended = 0;
  };

  void count_attempts(const v1::Job& job, Seen& seen) const;
  void count_end(const v1::Job& job) const;

  const metrics::SchedulerMetrics& metrics_;
  std::unordered_map<std::string, Seen> live_;  // feed's thread only
};

}  // namespace unfold::server
