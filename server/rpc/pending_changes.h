#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/jobs/life_cycle.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

using JobPtr = std::shared_ptr<const v1::Job>;

/// What one watcher has yet to see, by revision. A newer state of a job replaces the older one,
/// except that a final state is never replaced: a watcher, however slow, sees every one of them.
/// Not thread safe.
class PendingChanges {
 public:
  enum class Added { kNew, kReplacedOlder };
  /// `job` must be newer than what was added of it before.
  Added add(JobPtr job);
  /// The change of lowest revision, removed; nullptr when there is none.
  JobPtr take();

  std::size_t size() const { return by_revision_.size(); }
  bool empty() const { return by_revision_.empty(); }

 private:
  std::map<std::int64_t, JobPtr> by_revision_;
  std::unordered_map<std::string, std::int64_t> replaceable_;  // job id -> its pending revision
};

}  // namespace unfold::server
