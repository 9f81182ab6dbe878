#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "unfold/v1/types.pb.h"
#include "workers/residency/response_cache.h"

namespace unfold::engine {

/// What read() brought into memory. Engines derive their own.
class Input {
 public:
  virtual ~Input() = default;
};

/// What compute() made, ready to be written. Engines derive their own.
class Product {
 public:
  virtual ~Product() = default;
  std::map<std::string, double> summary;  ///< the product's own numbers, shown with the job
};

/// Set once; engines look at it at least every 100 ms of work. Thread safe.
class CancelToken {
 public:
  void cancel() {
    const MutexLock lock(mutex_);
    cancelled_.store(true, std::memory_order_relaxed);
    changed_.notify_all();
  }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  /// Sleeps, but returns at once, with true, when cancelled.
  bool wait_for(Duration at_most) const {
    const MutexLock lock(mutex_);
    if (!cancelled()) changed_.wait_for(mutex_, at_most);
    return cancelled();
  }

 private:
  std::atomic<bool> cancelled_{false};
  mutable Mutex mutex_;
  mutable Condition changed_;
};

/// What a running job is given. `progress` may be called from any thread and never blocks; it also
/// feeds the heartbeat: an engine that does not call it for the lease's length counts as stuck.
/// `response_ready` is called once, when the response is in memory. `note` puts a line into the
/// job's log.
struct RunContext {
  residency::ResponseCache& responses;
  std::function<void(const v1::Progress&)> progress;
  const CancelToken& cancel;
  std::string job_id;
  int attempt = 1;
  std::function<void(bool hit, double load_seconds)> response_ready;
  std::function<void(const std::string&)> note = [](const std::string&) {};
  /// Of plan.device_bytes; null where none was made, and nothing is kept for the next job then.
  residency::ResponseCache::Reservation* room = nullptr;
};

/// A file the engine writes at `path` (absolute, or /proc/self/fd/N/name); the publisher gives it
/// its final name afterwards.
struct OutputTarget {
  int index = 0;            ///< in the plan's list of outputs
  std::string rooted_path;  ///< as in the specification
  std::string part_path;    ///< where to write
};

/// One algorithm on one device, in stages, so that the next read and the last write hide behind the
/// present computation. Thread safe: the stages of several jobs run at the same time. compute()
/// returns Cancelled when told so. Stages may throw; the agent calls them through guarded()
/// (failure.h).
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;
  /// Where compute() computes: "cpu", "cuda:0".
  virtual std::string device() const { return "cpu"; }
  virtual absl::StatusOr<std::unique_ptr<Input>> read(const v1::JobSpec& spec,
                                                      const v1::Plan& plan) = 0;
  virtual absl::StatusOr<std::unique_ptr<Product>> compute(std::unique_ptr<Input> input,
                                                           RunContext& context) = 0;
  virtual absl::Status write(const Product& product, const std::vector<OutputTarget>& targets) = 0;
  /// What is wrong with a file that write() made: re-read, checksums, NaN. Called before
  /// publication.
  virtual absl::Status verify(const OutputTarget& target) = 0;
  /// Brings a job's response into memory ahead of it.
  virtual absl::Status preload(const v1::JobSpec& spec, const v1::Plan& plan,
                               residency::ResponseCache& responses) = 0;
  /// Removes what attempts at a job left for each other. Called when none is to follow.
  virtual void forget(const v1::JobSpec& /*spec*/, const std::string& /*job_id*/) {}
};

}  // namespace unfold::engine
