#include "common/metrics/scheduler_metrics.h"

#include <prometheus/text_serializer.h>

#include "common/base/version.h"

namespace unfold::metrics {
namespace {

using Buckets = prometheus::Histogram::BucketBoundaries;

const Dimension kEngine = {"engine", {"extraction", "imaging", "spi", "probe"}};
const Dimension kClass = {"class", {"deadline", "batch"}};
const Dimension kLiveState = {"state", {"queued", "loading", "running", "publishing"}};
const Dimension kOutcome = {"outcome",
                            {"succeeded", "failed", "cancelled", "expired", "quarantined"}};
const Dimension kSource = {"source", {"cli", "watcher", "campaign", "api"}};
const Dimension kAttemptOutcome = {"outcome", {"succeeded", "failed"}};
const Dimension kReason = {
    "reason",
    {"none", "input_error", "engine_error", "worker_lost", "out_of_memory", "timeout", "cancelled",
     "preempted", "output_error", "device_error", "other"}};
const Dimension kPhase = {"phase", {"load", "read", "compute", "write", "publish"}};
const Dimension kExposureOutcome = {"outcome", {"succeeded", "partial", "failed"}};
const Dimension kPlacement = {"kind", {"hit", "load"}};
const Dimension kResponse = {"response", {"hit", "load"}};
const Dimension kWatchResult = {"result", {"sent", "coalesced"}};
const Dimension kWorkerState = {"state", {"ready", "draining", "cordoned", "lost"}};
const Dimension kHelperDeath = {"reason", {"crash", "timeout"}};
const Dimension kCode = {
    "code",
    {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
     "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
     "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "UNAUTHENTICATED", "OTHER"}};

// DESI's cameras: an arm and a spectrograph. Frames of anything else count as "other".
Dimension cameras() {
  Dimension dimension = {"camera", {}};
  for (const char arm : {'b', 'r', 'z'}) {
    for (char petal = '0'; petal <= '9'; ++petal) {
      dimension.values.push_back(std::string{arm, petal});
    }
  }
  dimension.values.push_back("other");
  return dimension;
}

// 900 s is the bound that DESI's nightly processing lives by.
const Buckets kJobSeconds = {0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 60, 180, 600, 900, 3600, 14400};
const Buckets kCallSeconds = {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5};
// Warm jobs begin within milliseconds, cold ones load their response first.
const Buckets kStartSeconds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 20, 60};
const Buckets kBatchSizes = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

std::string full(const char* name) { return std::string("unfold_") + name; }

Table<prometheus::Counter> counters(prometheus::Registry& registry, const char* name,
                                    const char* help, std::vector<Dimension> dimensions) {
  auto& family = prometheus::BuildCounter().Name(full(name)).Help(help).Register(registry);
  return {family, std::move(dimensions), {}};
}

Table<prometheus::Gauge> gauges(prometheus::Registry& registry, const char* name, const char* help,
                                std::vector<Dimension> dimensions) {
  auto& family = prometheus::BuildGauge().Name(full(name)).Help(help).Register(registry);
  return {family, std::move(dimensions), {}};
}

Table<prometheus::Histogram> histograms(prometheus::Registry& registry, const char* name,
                                        const char* help, std::vector<Dimension> dimensions,
                                        const Buckets& buckets) {
  auto& family = prometheus::BuildHistogram().Name(full(name)).Help(help).Register(registry);
  return {family, std::move(dimensions), {}, buckets};
}

std::vector<Table<prometheus::Counter>> handled(prometheus::Registry& registry,
                                                const std::vector<RpcName>& rpcs) {
  auto& family = prometheus::BuildCounter()
                     .Name("unfold_grpc_server_handled_total")
                     .Help("Calls answered, by status code.")
                     .Register(registry);
  std::vector<Table<prometheus::Counter>> tables;
  tables.reserve(rpcs.size());
  for (const RpcName& rpc : rpcs) {
    tables.push_back({family, {kCode}, {{"service", rpc.service}, {"method", rpc.method}}});
  }
  return tables;
}

std::vector<Table<prometheus::Histogram>> handling(prometheus::Registry& registry,
                                                   const std::vector<RpcName>& rpcs) {
  auto& family = prometheus::BuildHistogram()
                     .Name("unfold_grpc_server_handling_seconds")
                     .Help("From a call's arrival to its answer; whole streams for streams.")
                     .Register(registry);
  std::vector<Table<prometheus::Histogram>> tables;
  tables.reserve(rpcs.size());
  for (const RpcName& rpc : rpcs) {
    tables.push_back(
        {family, {}, {{"service", rpc.service}, {"method", rpc.method}}, kCallSeconds});
  }
  return tables;
}

void set_build_info(prometheus::Registry& registry) {
  prometheus::BuildGauge()
      .Name("unfold_build_info")
      .Help("Always 1; the labels say which build this is.")
      .Register(registry)
      .Add({{"version", kVersion}, {"commit", kCommit}})
      .Set(1);
}

}  // namespace

SchedulerMetrics::SchedulerMetrics(const std::vector<RpcName>& rpcs)
    : jobs(gauges(*registry_, "jobs", "Jobs that are not final.", {kEngine, kLiveState})),
      jobs_submitted(counters(*registry_, "jobs_submitted_total", "Jobs accepted durably.",
                              {kEngine, kClass, kSource})),
      jobs_finished(counters(*registry_, "jobs_finished_total", "Jobs that became final.",
                             {kEngine, kClass, kOutcome})),
      job_attempts(counters(*registry_, "job_attempts_total", "Attempts that ended.",
                            {kEngine, kAttemptOutcome, kReason})),
      queue_seconds(histograms(*registry_, "job_queue_duration_seconds",
                               "From submission to the first assignment.", {kEngine, kClass},
                               kJobSeconds)),
      run_seconds(histograms(*registry_, "job_run_duration_seconds",
                             "Time that successful attempts spent, by phase.", {kEngine, kPhase},
                             kJobSeconds)),
      e2e_seconds(histograms(*registry_, "job_e2e_duration_seconds",
                             "From submission to the final state.", {kEngine, kClass},
                             kJobSeconds)),
      deadline_misses(counters(*registry_, "job_deadline_misses_total",
                               "Jobs that became final after their deadline.", {kEngine, kClass})),
      oldest_queued_seconds(gauges(*registry_, "oldest_queued_job_age_seconds",
                                   "Age of the oldest queued job, 0 without one.", {kEngine})),
      frames_processed(counters(*registry_, "frames_processed_total",
                                "Frames extracted and published.", {kEngine, cameras()})),
      exposures_complete(counters(*registry_, "exposures_complete_total",
                                  "Exposures whose every camera is final.", {kExposureOutcome})),
      dispatch_seconds(histograms(*registry_, "dispatch_latency_seconds",
                                  "From the event that allows an assignment to its message.", {},
                                  kCallSeconds)),
      placements(counters(*registry_, "placements_total",
                          "Assignments, by whether the response was resident.", {kPlacement})),
      commit_seconds(histograms(*registry_, "store_commit_duration_seconds",
                                "Time of one durable commit.", {}, kCallSeconds)),
      commit_batch(histograms(*registry_, "store_commit_batch_size", "Events in one commit.", {},
                              kBatchSizes)),
      store_wal_bytes(
          gauges(*registry_, "store_wal_bytes", "Size of the store's write-ahead log.", {})),
      watch_streams(gauges(*registry_, "watch_streams", "Open watch streams.", {})),
      watch_events(counters(*registry_, "watch_events_total",
                            "Job changes for watchers: sent, or replaced by a newer one.",
                            {kWatchResult})),
      leases(gauges(*registry_, "leases", "Leases held by workers, or kept for them to come back.",
                    {})),
      lease_expirations(
          counters(*registry_, "lease_expirations_total", "Leases that ran out.", {})),
      fenced_publishes(counters(*registry_, "fenced_publishes_total",
                                "Publications refused because the fence was stale.", {})),
      workers(gauges(*registry_, "workers", "Workers, by state.", {kWorkerState})),
      rpc_handled(handled(*registry_, rpcs)),
      rpc_seconds(handling(*registry_, rpcs)),
      plan_seconds(histograms(*registry_, "plan_duration_seconds",
                              "Validation of one job, with its wait for a helper.", {kEngine},
                              kCallSeconds)),
      plan_helper_deaths(counters(*registry_, "plan_helper_deaths_total",
                                  "Validation helpers that a job's files crashed or stalled.",
                                  {kHelperDeath})),
      response_bytes(gauges(*registry_, "response_resident_bytes",
                            "Responses resident on all workers.", {kEngine})),
      leader(gauges(*registry_, "leader", "1 while this scheduler leads.", {})),
      start_seconds(histograms(*registry_, "job_start_duration_seconds",
                               "From an assignment's arrival at a free slot until it computes, by "
                               "whether its response was resident.",
                               {kEngine, kResponse}, kStartSeconds)),
      idle_seconds(histograms(*registry_, "slot_idle_duration_seconds",
                              "Between two computations of a slot, the second of which waited.",
                              {kEngine}, kStartSeconds)),
      gpus(std::make_unique<GpuMetrics>(*registry_)),
      disks(std::make_shared<DiskMetrics>(registry_)) {
  set_build_info(*registry_);
  leader.at({}).Set(1);
}

std::string SchedulerMetrics::text() const {
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace unfold::metrics
