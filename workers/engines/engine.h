#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/roots/roots.h"
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
  void cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

/// What a running job is given. `progress` may be called from any thread and never blocks; it also
/// feeds the heartbeat: an engine that does not call it for the lease's length counts as stuck.
struct RunContext {
  residency::ResponseCache& responses;
  std::function<void(const v1::Progress&)> progress;
  const CancelToken& cancel;
  std::string job_id;
  int attempt = 1;
  std::function<void(bool hit, double load_seconds)> response_ready;
};

/// A file the engine writes at `path` (absolute, or /proc/self/fd/N/name); the publisher gives it
/// its final name afterwards.
struct OutputTarget {
  std::string rooted_path;  ///< as in the specification
  std::string part_path;    ///< where to write
};

/// One algorithm on one device, in stages, so that the next read and the last write hide behind the
/// present computation. Each stage is called by one thread at a time, different stages by
/// different threads. compute() returns Cancelled when told so.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string name() const = 0;
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
};

}  // namespace unfold::engine
