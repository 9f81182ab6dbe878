#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"

namespace unfold::residency {

/// A response kept in memory. Immutable, shared by every job that holds it.
class Response {
 public:
  virtual ~Response() = default;
  virtual std::int64_t bytes() const = 0;
};

/// What a job computed with beside its response, kept for the next one of its size: gone with its
/// last byte when destroyed. Engines derive their own.
class Workspace {
 public:
  virtual ~Workspace() = default;
  virtual std::int64_t bytes() const = 0;
};

/// Bytes beside responses.
struct WorkspaceBytes {
  std::int64_t reserved = 0;  ///< for what jobs compute with now
  std::int64_t idle = 0;      ///< kept for the next ones
};

struct Resident {
  std::string key;
  std::string engine;
  std::int64_t bytes = 0;
  std::int64_t uses = 0;
  std::int64_t holders = 0;
  double load_seconds = 0;
  double idle_seconds = 0;
};

using Loader = std::function<absl::StatusOr<std::shared_ptr<const Response>>()>;

/// Immutable responses on one device within a byte budget. Thread safe. Concurrent callers of one
/// key share one load, and its error if it fails (nothing is kept then); a held response is never
/// evicted; the victim is the one with the least (load seconds x uses) / bytes, of equals the
/// longest idle. Idle workspaces go before any response. ResourceExhausted when what is held leaves
/// no room.
class ResponseCache {
 public:
  virtual ~ResponseCache() = default;
  struct Key {
    std::string key;
    std::string engine;
    std::int64_t expected_bytes = 0;
    /// Asked about every second while another caller loads; an error ends the wait. Never called
    /// with the cache's lock.
    std::function<absl::Status()> while_waiting = {};
  };
  struct Acquired {
    std::shared_ptr<const Response> response;
    bool hit = false;
    double load_seconds = 0;
  };
  virtual absl::StatusOr<Acquired> acquire(const Key& key, const Loader& load) = 0;
  /// Room beside the responses, for what a job computes with; returned when it goes.
  class Reservation {
   public:
    virtual ~Reservation() = default;
    /// What the last job of the same engine and bytes left here, or null. What is here at the end
    /// stays for the next, where it does not have to go for a response meanwhile.
    std::shared_ptr<Workspace> workspace;
  };
  struct Work {
    std::string engine;
    std::int64_t bytes = 0;
    std::string kept = {};  ///< a response that is not evicted for it: the job is about to use it
  };
  /// Evicts as acquire() does. The reservation must not outlive the cache.
  virtual absl::StatusOr<std::unique_ptr<Reservation>> reserve(const Work& work) = 0;
  /// NotFound, or FailedPrecondition while held.
  virtual absl::Status evict(const std::string& key) = 0;
  virtual std::vector<Resident> list() const = 0;
  virtual std::int64_t budget_bytes() const = 0;
  virtual std::int64_t resident_bytes() const = 0;
  virtual WorkspaceBytes workspace_bytes() const = 0;
};

/// The ledger counts a response from before its load (its expected bytes) until it is evicted.
std::unique_ptr<ResponseCache> make_response_cache(std::int64_t budget_bytes,
                                                   std::shared_ptr<const Clock> clock);

}  // namespace unfold::residency
