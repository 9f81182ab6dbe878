#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/metrics/table.h"
#include "unfold/v1/admin_service.pb.h"

namespace unfold::metrics {

/// The families of workers' GPUs, each child with {host, gpu}. While there is none, each family has
/// the children of host "none" at 0, so that none is missing. Gauges leave with their worker,
/// counters stay. Not thread safe, but for the registry's collection.
class GpuMetrics {
 public:
  explicit GpuMetrics(prometheus::Registry& registry);

  /// Brings the gauges up to what workers with a GPU say.
  void show(const std::vector<v1::Worker>& workers);
  /// `kind`: xid (events), ecc (uncorrectable errors), cuda (attempts that a failing GPU ended).
  prometheus::Counter& errors(const std::string& host, const std::string& gpu,
                              const std::string& kind);

 private:
  using Name = std::pair<std::string, std::string>;  // host, gpu
  struct Gauges {
    Table<prometheus::Gauge> memory;  // {kind}
    Table<prometheus::Gauge> temperature;
    Table<prometheus::Gauge> power;
    Table<prometheus::Gauge> utilization;
    Table<prometheus::Gauge> throttled;   // {reason}
    Table<prometheus::Gauge> ecc_errors;  // {scope, kind}
  };

  Gauges make_gauges(const Name& name);
  void remove(Gauges& gauges);
  static void set(const Gauges& gauges, const v1::Worker& worker);
  Table<prometheus::Counter>& counters(const Name& name);

  prometheus::Family<prometheus::Gauge>& memory_;
  prometheus::Family<prometheus::Gauge>& temperature_;
  prometheus::Family<prometheus::Gauge>& power_;
  prometheus::Family<prometheus::Gauge>& utilization_;
  prometheus::Family<prometheus::Gauge>& throttled_;
  prometheus::Family<prometheus::Gauge>& ecc_errors_;
  prometheus::Family<prometheus::Counter>& errors_;
  std::map<Name, Gauges> gauges_;
  std::map<Name, Table<prometheus::Counter>> counters_;
};

}  // namespace unfold::metrics
