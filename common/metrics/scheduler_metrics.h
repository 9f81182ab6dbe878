#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>
#include <vector>

#include "common/metrics/disk_metrics.h"
#include "common/metrics/gpu_metrics.h"
#include "common/metrics/table.h"

namespace unfold::metrics {

/// One remote procedure: "unfold.v1.JobService", "Submit".
struct RpcName {
  std::string service;
  std::string method;
};

/// Every metric family of the scheduler. Base units; no job, worker or user in a label; every
/// label set exists at 0 from construction. Label values:
///   engine  extraction, imaging, spi, probe
///   class   deadline (the job has one), batch
/// Thread safe: children are atomics.
class SchedulerMetrics {
  using Counters = Table<prometheus::Counter>;
  using Gauges = Table<prometheus::Gauge>;
  using Histograms = Table<prometheus::Histogram>;

  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();

 public:
  explicit SchedulerMetrics(const std::vector<RpcName>& rpcs);

  Gauges jobs;                   ///< {engine, state}: jobs that are not final
  Counters jobs_submitted;       ///< {engine, class, source}
  Counters jobs_finished;        ///< {engine, class, outcome}
  Counters job_attempts;         ///< {engine, outcome, reason}
  Histograms queue_seconds;      ///< {engine, class}: submitted to first assignment
  Histograms run_seconds;        ///< {engine, phase}
  Histograms e2e_seconds;        ///< {engine, class}: submitted to final
  Counters deadline_misses;      ///< {engine, class}
  Gauges oldest_queued_seconds;  ///< {engine}
  Counters frames_processed;     ///< {engine, camera}
  Counters exposures_complete;   ///< {outcome}
  Histograms dispatch_seconds;   ///< event that allows an assignment to Assign sent
  Counters placements;           ///< {kind}
  Histograms commit_seconds;
  Histograms commit_batch;
  Gauges store_wal_bytes;
  Gauges watch_streams;
  Counters watch_events;  ///< {result}
  Gauges leases;
  Counters lease_expirations;
  Counters fenced_publishes;
  Gauges workers;                       ///< {state}
  std::vector<Counters> rpc_handled;    ///< [as `rpcs`] {code}
  std::vector<Histograms> rpc_seconds;  ///< [as `rpcs`] {}
  Histograms plan_seconds;              ///< {engine}
  Counters plan_helper_deaths;          ///< {reason}
  Gauges response_bytes;                ///< {engine}: resident over all workers
  Gauges leader;
  Histograms start_seconds;  ///< {engine, response}: of attempts whose slot was free
  Histograms idle_seconds;   ///< {engine}: of the slot, before attempts that waited for it
  const std::unique_ptr<GpuMetrics> gpus;
  const std::shared_ptr<DiskMetrics> disks;

  /// All of it in Prometheus text format 0.0.4.
  std::string text() const;
};

}  // namespace unfold::metrics
