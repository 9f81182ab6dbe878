#pragma once

#include <memory>
#include <thread>

#include "common/base/mutex.h"
#include "workers/health/health_record.h"

namespace unfold::health {

/// Reads a GPU's sensors from a thread of its own. Thread safe.
class Monitor {
 public:
  /// Returns after the first reading.
  explicit Monitor(std::unique_ptr<Sensors> sensors, Duration every = std::chrono::seconds(1));
  ~Monitor();
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  v1::DeviceHealth latest() const;
  /// Returns after a reading that began after the call, and that left an Xid event on its way the
  /// time to arrive (a quarter of a second).
  void read_again();

 private:
  void run();
  void read_once(Duration patience) UNFOLD_EXCLUDES(mutex_);

  const std::unique_ptr<Sensors> sensors_;
  const Duration every_;
  mutable Mutex mutex_;
  Condition changed_;
  HealthRecord record_ UNFOLD_GUARDED_BY(mutex_);
  std::int64_t wanted_ UNFOLD_GUARDED_BY(mutex_) = 0;  // readings asked for
  std::int64_t done_ UNFOLD_GUARDED_BY(mutex_) = 0;    // of them
  bool stopping_ UNFOLD_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace unfold::health
