#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "common/base/clock.h"
#include "common/metrics/disk_metrics.h"

namespace unfold::server {

/// Measures the file systems of some folders every now and then, on a thread of its own: one that
/// does not answer (a lost NFS server) holds up nothing, and its figures show their age.
class DiskWatch {
 public:
  /// `folders`: paths by name.
  DiskWatch(std::shared_ptr<metrics::DiskMetrics> disks, std::map<std::string, std::string> folders,
            Duration interval);
  /// Does not wait for a file system.
  ~DiskWatch();
  DiskWatch(const DiskWatch&) = delete;
  DiskWatch& operator=(const DiskWatch&) = delete;

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

}  // namespace unfold::server
