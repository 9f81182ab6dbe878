#include "server/metrics_page.h"

#include <array>
#include <filesystem>
#include <vector>

#include "absl/strings/ascii.h"
#include "server/jobs/life_cycle.h"

namespace unfold::server {
namespace {

constexpr std::array kEngines = {"extraction", "imaging", "spi", "probe"};

const char* state_of(const v1::Worker& worker) {
  if (worker.state() == v1::WORKER_STATE_DRAINING) return "draining";
  if (worker.state() == v1::WORKER_STATE_CORDONED) return "cordoned";
  return worker.state() == v1::WORKER_STATE_LOST ? "lost" : "ready";
}

}  // namespace

std::string MetricsPage::text() {
  const View view = loop_.read([](const Core& core, Time now) {
    return View{.counts = core.counts(now), .workers = core.workers(now)};
  });
  const std::lock_guard lock(mutex_);
  show_jobs(view.counts);
  show_workers(view.workers);
  show_gpus(view);
  metrics_.leases.at({}).Set(static_cast<double>(view.counts.leases));
  raise(metrics_.lease_expirations.at({}), view.counts.lease_expirations_total);
  raise(metrics_.fenced_publishes.at({}), view.counts.fenced_publishes_total);
  raise(metrics_.placements.at({"hit"}), view.counts.placements_hit_total);
  raise(metrics_.placements.at({"load"}), view.counts.placements_load_total);
  std::error_code none;
  const auto wal = std::filesystem::file_size(store_file_ + "-wal", none);
  metrics_.store_wal_bytes.at({}).Set(none ? 0.0 : static_cast<double>(wal));
  return metrics_.text();
}

void MetricsPage::show_jobs(const CoreCounts& counts) const {
  for (const char* engine : kEngines) {
    for (const v1::JobState state : {v1::JOB_STATE_QUEUED, v1::JOB_STATE_LOADING,
                                     v1::JOB_STATE_RUNNING, v1::JOB_STATE_PUBLISHING}) {
      const auto it = counts.live_jobs.find({engine, state});
      const std::int64_t jobs = it == counts.live_jobs.end() ? 0 : it->second;
      metrics_.jobs.at({engine, absl::AsciiStrToLower(state_name(state))})
          .Set(static_cast<double>(jobs));
    }
    const auto oldest = counts.oldest_queued_seconds.find(engine);
    metrics_.oldest_queued_seconds.at({engine}).Set(
        oldest == counts.oldest_queued_seconds.end() ? 0.0 : oldest->second);
  }
}

void MetricsPage::show_workers(const std::vector<v1::Worker>& workers) const {
  std::map<std::string, double> by_state = {
      {"ready", 0}, {"draining", 0}, {"cordoned", 0}, {"lost", 0}};
  std::map<std::string, double> resident;
  for (const char* engine : kEngines) resident[engine] = 0;
  for (const v1::Worker& worker : workers) {
    by_state[state_of(worker)] += 1;
    for (const v1::Residency& response : worker.responses()) {
      resident[response.engine()] += static_cast<double>(response.bytes());
    }
  }
  for (const auto& [state, count] : by_state) metrics_.workers.at({state}).Set(count);
  for (const auto& [engine, bytes] : resident) metrics_.response_bytes.at({engine}).Set(bytes);
}

void MetricsPage::show_gpus(const View& view) {
  metrics_.gpus->show(view.workers);
  for (const v1::Worker& worker : view.workers) {
    if (!worker.has_health()) continue;
    const auto errors = [&](const char* kind) -> prometheus::Counter& {
      return metrics_.gpus->errors(worker.host(), worker.device(), kind);
    };
    std::int64_t xids = 0;
    for (const auto& [number, count] : worker.health().xids()) xids += count;
    raise(errors("xid"), xids);
    raise(errors("ecc"), worker.health().ecc_volatile().uncorrected());
  }
  for (const auto& [gpu, count] : view.counts.device_errors_total) {
    raise(metrics_.gpus->errors(gpu.first, gpu.second, "cuda"), count);
  }
  for (const auto& [gpu, count] : view.counts.hangs_total) {
    raise(metrics_.gpus->errors(gpu.first, gpu.second, "hang"), count);
  }
}

// The core counts from its own start; a new one (after a failed commit) begins at 0 again.
void MetricsPage::raise(prometheus::Counter& counter, std::int64_t total) {
  std::int64_t& last = last_[&counter];
  counter.Increment(static_cast<double>(total >= last ? total - last : total));
  last = total;
}

}  // namespace unfold::server
