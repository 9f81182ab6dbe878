#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "common/metrics/scheduler_metrics.h"
#include "server/scheduler/core_loop.h"

namespace unfold::server {

/// What /metrics answers: the gauges and totals that only the core knows are brought up to date
/// first. Thread safe.
class MetricsPage {
 public:
  /// The references must outlive the page; `store_file` is the database, whose log it measures.
  MetricsPage(const metrics::SchedulerMetrics& metrics, CoreLoop& loop, std::string store_file)
      : metrics_(metrics), loop_(loop), store_file_(std::move(store_file)) {}

  std::string text();

 private:
  struct View {
    CoreCounts counts;
    std::vector<v1::Worker> workers;
  };

  void show_jobs(const CoreCounts& counts) const;
  void show_workers(const std::vector<v1::Worker>& workers) const;
  void show_gpus(const View& view);
  void raise(prometheus::Counter& counter, std::int64_t total);

  const metrics::SchedulerMetrics& metrics_;
  CoreLoop& loop_;
  const std::string store_file_;
  std::mutex mutex_;
  std::map<prometheus::Counter*, std::int64_t> last_;  // guarded by mutex_
};

}  // namespace unfold::server
