#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/publish/publication.h"
#include "common/roots/roots.h"
#include "workers/agent/supervisor.h"
#include "workers/engines/engine.h"
#include "workers/engines/failure.h"

namespace unfold::agent {

/// What every run of a job on this worker shares. Nothing is owned; all must outlive the runs.
struct RunEnvironment {
  const Roots& roots;
  ProductOwnership ownership;
  residency::ResponseCache& responses;
  Supervisor& supervisor;
  const Clock& clock;
};

/// One attempt at one job, in the three steps that a slot's threads take. Each step returns whether
/// the next is to follow; after false the outcome has been told to the supervisor. Steps may run on
/// different threads, one at a time; cancel() may be called from any.
class JobRun {
 public:
  JobRun(v1::Assign assign, engine::Engine& engine, RunEnvironment environment);

  /// Finishes or sweeps what earlier attempts left, checks the place of the outputs, reads.
  bool read();
  /// `free_since`: when the slot had nothing to compute any more, if it ever had.
  bool compute(std::optional<Duration> free_since);
  void write();  ///< and publish

  void hold();  ///< the product waits for the writer
  /// `reason` says whether another attempt may follow.
  void cancel(v1::ErrorClass reason) {
    stop_reason_.store(reason, std::memory_order_relaxed);
    cancel_.cancel();
  }
  std::int64_t fence() const { return assign_.fence(); }
  Duration now() const { return environment_.clock.now().monotonic; }

 private:
  struct Place {
    int index = 0;
    FileHandle folder;
    Publication::Output output;
    std::string part_path;
    engine::OutputTarget target() const { return {index, output.rooted_path, part_path}; }
  };

  absl::Status open_places();
  absl::StatusOr<bool> recover();
  absl::Status prepare_and_read();
  absl::Status publish();
  std::vector<Publication::Output> outputs() const;
  std::vector<engine::OutputTarget> targets() const;
  absl::Status stopped() const;
  bool go_on(const absl::Status& status, engine::Phase phase);
  void succeed(const std::vector<Publication::Published>& published);
  bool was_the_last() const;
  void end();
  template <class Step>
  absl::Status timed(const std::string& name, Step step);

  std::int64_t device_bytes() const;
  Ready ready(bool response_hit, double load_seconds, std::optional<Duration> free_since) const;

  const v1::Assign assign_;
  engine::Engine& engine_;
  RunEnvironment environment_;
  const Duration arrived_;
  engine::CancelToken cancel_;
  std::atomic<v1::ErrorClass> stop_reason_{v1::ERROR_CLASS_UNSPECIFIED};
  std::vector<Place> places_;
  std::unique_ptr<engine::Input> input_;
  std::unique_ptr<engine::Product> product_;
  Outcome outcome_;
};

}  // namespace unfold::agent
