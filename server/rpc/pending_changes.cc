#include "server/rpc/pending_changes.h"

#include <utility>

namespace unfold::server {

PendingChanges::Added PendingChanges::add(JobPtr job) {
  Added added = Added::kNew;
  const auto older = replaceable_.find(job->id());
  if (older != replaceable_.end()) {
    by_revision_.erase(older->second);
    replaceable_.erase(older);
    added = Added::kReplacedOlder;
  }
  if (!is_final(job->state())) replaceable_[job->id()] = job->revision();
  const std::int64_t revision = job->revision();
  by_revision_[revision] = std::move(job);
  return added;
}

JobPtr PendingChanges::take() {
  if (by_revision_.empty()) return nullptr;
  const auto first = by_revision_.begin();
  JobPtr job = std::move(first->second);
  by_revision_.erase(first);
  const auto it = replaceable_.find(job->id());
  if (it != replaceable_.end() && it->second == job->revision()) replaceable_.erase(it);
  return job;
}

}  // namespace unfold::server
