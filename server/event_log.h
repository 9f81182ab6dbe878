#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>

#include "common/log/logger.h"
#include "server/jobs/store_types.h"

namespace unfold::server {

/// Writes what happens to jobs to the log on a thread of its own, so that a slow terminal or pipe
/// cannot hold up the core. Events beyond 100,000 that wait are dropped and counted. Thread safe.
class EventLog {
 public:
  explicit EventLog(const log::Logger& log);
  ~EventLog();  ///< writes what waits
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void add(const JobEvent& event);

 private:
  void run();
  void write(const JobEvent& event) const;

  const log::Logger& log_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<JobEvent> waiting_;  // guarded by mutex_, like all below
  std::int64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace unfold::server
