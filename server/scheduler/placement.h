#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "server/fleet/fleet.h"
#include "server/scheduler/job_queue.h"

namespace unfold::server {

struct Assignment {
  std::string job_id;
  std::string worker;
  bool prefetch = false;  ///< waits for a slot while the worker's slots compute
  bool resident = false;  ///< the response is there already
};
struct Placements {
  std::vector<Assignment> assignments;
  std::vector<std::string> passed_over;  ///< jobs that a later one was placed before
  std::vector<std::string> too_big;      ///< fit no worker that is connected now
};

/// Who runs what next: pure, and bounded work whatever the length of the queue (it looks at the
/// first kLookAhead jobs of each engine, and at the first job of each response that a free worker
/// has). A job goes where its predicted finish, wait + (resident ? 0 : load) + run, is least; it
/// waits for a busy worker where that is sooner. Between jobs of equal deadline and priority a
/// resident response goes first, until a job was passed over kMaxPassedOver times: it then goes
/// next, and workers that could hold it are kept for it.
Placements place(const JobQueue& queue, const Fleet& fleet, Duration now);

inline constexpr int kLookAhead = 16;
inline constexpr int kMaxPassedOver = 16;

}  // namespace unfold::server
