#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "workers/residency/response_cache.h"

namespace unfold::residency {

/// Workspaces that no job uses, by what was reserved for them. Not thread safe.
class IdleWorkspaces {
 public:
  void keep(const std::string& engine, std::int64_t reserved, std::shared_ptr<Workspace> workspace);
  /// The one that came last of this engine and reservation, or null.
  std::shared_ptr<Workspace> take(const std::string& engine, std::int64_t reserved);
  bool empty() const { return idle_.empty(); }
  void drop_oldest();
  /// Of all of them, as they came.
  std::int64_t bytes() const { return bytes_; }

 private:
  struct Idle {
    std::string engine;
    std::int64_t reserved = 0;
    std::int64_t bytes = 0;
    std::shared_ptr<Workspace> workspace;
  };
  std::deque<Idle> idle_;  ///< the longest idle first
  std::int64_t bytes_ = 0;
};

}  // namespace unfold::residency
