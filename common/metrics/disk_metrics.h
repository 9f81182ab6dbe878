#pragma once

#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>

namespace unfold::metrics {

/// The file systems of the folders that the scheduler knows: {folder}, "state" or a root's name.
/// Thread safe.
class DiskMetrics {
 public:
  explicit DiskMetrics(std::shared_ptr<prometheus::Registry> registry);

  /// Brings a folder's gauges up to date; leaves them where the folder cannot be looked at.
  void show(const std::string& folder, const std::string& path);

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Gauge>& free_;
  prometheus::Family<prometheus::Gauge>& size_;
  prometheus::Family<prometheus::Gauge>& measured_;
};

}  // namespace unfold::metrics
