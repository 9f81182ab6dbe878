#include "common/metrics/disk_metrics.h"

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

namespace unfold::metrics {

DiskMetrics::DiskMetrics(std::shared_ptr<prometheus::Registry> registry)
    : registry_(std::move(registry)),
      free_(prometheus::BuildGauge()
                .Name("unfold_disk_free_bytes")
                .Help("What others than root may still write, by folder.")
                .Register(*registry_)),
      size_(prometheus::BuildGauge()
                .Name("unfold_disk_size_bytes")
                .Help("Size of the file system that holds the folder.")
                .Register(*registry_)),
      measured_(prometheus::BuildGauge()
                    .Name("unfold_disk_measured_time_seconds")
                    .Help("When these were measured, in seconds since 1970.")
                    .Register(*registry_)) {
  for (auto* family : {&free_, &size_, &measured_}) family->Add({{"folder", "state"}});
}

void DiskMetrics::show(const std::string& folder, const std::string& path) {
  std::error_code problem;
  const std::filesystem::space_info space = std::filesystem::space(path, problem);
  if (problem) return;
  free_.Add({{"folder", folder}}).Set(static_cast<double>(space.available));
  size_.Add({{"folder", folder}}).Set(static_cast<double>(space.capacity));
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  measured_.Add({{"folder", folder}}).Set(now.count());
}

}  // namespace unfold::metrics
