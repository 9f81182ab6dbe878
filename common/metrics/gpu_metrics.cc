#include "common/metrics/gpu_metrics.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace unfold::metrics {
namespace {

const std::pair<std::string, std::string> kNone = {"none", "none"};
const Dimension kMemory = {"kind", {"response", "workspace", "idle_workspace", "free", "other"}};
const Dimension kThrottled = {"reason", {"power", "thermal", "hardware", "other"}};
const Dimension kScope = {"scope", {"volatile", "aggregate"}};
const Dimension kEcc = {"kind", {"corrected", "uncorrected"}};
const Dimension kError = {"kind", {"xid", "ecc", "cuda", "hang"}};

prometheus::Family<prometheus::Gauge>& family(prometheus::Registry& registry, const char* name,
                                              const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

Labels labels_of(const std::pair<std::string, std::string>& name) {
  return {{"host", name.first}, {"gpu", name.second}};
}

void set_ecc(const Table<prometheus::Gauge>& table, const char* scope,
             const v1::EccErrors& errors) {
  table.at({scope, "corrected"}).Set(static_cast<double>(errors.corrected()));
  table.at({scope, "uncorrected"}).Set(static_cast<double>(errors.uncorrected()));
}

}  // namespace

GpuMetrics::GpuMetrics(prometheus::Registry& registry)
    : memory_(family(registry, "unfold_worker_gpu_memory_bytes",
                     "A GPU's memory: of resident responses, reserved for what jobs compute "
                     "with, kept for the next jobs, free, and the rest.")),
      temperature_(family(registry, "unfold_worker_gpu_temperature_celsius", "Of the GPU.")),
      power_(family(registry, "unfold_worker_gpu_power_watts", "What the board draws.")),
      utilization_(family(registry, "unfold_worker_gpu_utilization_ratio",
                          "Share of the last sample period in which a kernel ran.")),
      throttled_(family(registry, "unfold_worker_gpu_throttled",
                        "1 while the clocks are held down for this reason.")),
      ecc_errors_(family(registry, "unfold_worker_gpu_ecc_errors",
                         "ECC errors since the driver was loaded (volatile), of its life "
                         "(aggregate).")),
      errors_(prometheus::BuildCounter()
                  .Name("unfold_worker_gpu_errors_total")
                  .Help("Xid events, uncorrectable ECC errors, attempts ended by a failing GPU, "
                        "engines that hung there.")
                  .Register(registry)) {
  show({});
  counters(kNone);
}

void GpuMetrics::show(const std::vector<v1::Worker>& workers) {
  std::map<Name, const v1::Worker*> present;
  for (const v1::Worker& worker : workers) {
    if (worker.has_health()) present[{worker.host(), worker.device()}] = &worker;
  }
  if (present.empty()) present[kNone] = nullptr;
  for (auto known = gauges_.begin(); known != gauges_.end();) {
    const bool gone = !present.contains(known->first);
    if (gone) remove(known->second);
    known = gone ? gauges_.erase(known) : std::next(known);
  }
  for (const auto& [name, worker] : present) {
    if (!gauges_.contains(name)) gauges_.emplace(name, make_gauges(name));
    if (worker == nullptr) continue;
    counters(name);
    set(gauges_.at(name), *worker);
  }
}

GpuMetrics::Gauges GpuMetrics::make_gauges(const Name& name) {
  const Labels labels = labels_of(name);
  return {.memory = {memory_, {kMemory}, labels},
          .temperature = {temperature_, {}, labels},
          .power = {power_, {}, labels},
          .utilization = {utilization_, {}, labels},
          .throttled = {throttled_, {kThrottled}, labels},
          .ecc_errors = {ecc_errors_, {kScope, kEcc}, labels}};
}

void GpuMetrics::remove(Gauges& gauges) {
  gauges.memory.remove_from(memory_);
  gauges.temperature.remove_from(temperature_);
  gauges.power.remove_from(power_);
  gauges.utilization.remove_from(utilization_);
  gauges.throttled.remove_from(throttled_);
  gauges.ecc_errors.remove_from(ecc_errors_);
}

void GpuMetrics::set(const Gauges& gauges, const v1::Worker& worker) {
  const v1::DeviceHealth& health = worker.health();
  const auto used = static_cast<double>(health.memory_used_bytes());
  double other = used;
  const auto part = [&](const char* kind, std::int64_t bytes) {
    const double shown = std::min(other, static_cast<double>(bytes));
    gauges.memory.at({kind}).Set(shown);
    other -= shown;
  };
  part("response", worker.resident_bytes());
  part("workspace", worker.workspace().reserved_bytes());
  part("idle_workspace", worker.workspace().idle_bytes());
  gauges.memory.at({"other"}).Set(other);
  gauges.memory.at({"free"}).Set(static_cast<double>(health.memory_total_bytes()) - used);
  gauges.temperature.at({}).Set(health.temperature_celsius());
  gauges.power.at({}).Set(health.power_watts());
  gauges.utilization.at({}).Set(health.utilization());
  const std::set<std::string> reasons(health.throttling().begin(), health.throttling().end());
  for (const std::string& reason : kThrottled.values) {
    gauges.throttled.at({reason}).Set(reasons.contains(reason) ? 1 : 0);
  }
  set_ecc(gauges.ecc_errors, "volatile", health.ecc_volatile());
  set_ecc(gauges.ecc_errors, "aggregate", health.ecc_aggregate());
}

Table<prometheus::Counter>& GpuMetrics::counters(const Name& name) {
  const auto known = counters_.find(name);
  if (known != counters_.end()) return known->second;
  return counters_.emplace(name, Table<prometheus::Counter>(errors_, {kError}, labels_of(name)))
      .first->second;
}

prometheus::Counter& GpuMetrics::errors(const std::string& host, const std::string& gpu,
                                        const std::string& kind) {
  return counters({host, gpu}).at({kind});
}

}  // namespace unfold::metrics
