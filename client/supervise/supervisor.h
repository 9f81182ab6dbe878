#pragma once

#include <sys/types.h>

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/supervise/child.h"
#include "client/supervise/restart_policy.h"
#include "common/base/clock.h"

namespace unfold::supervise {

struct Fleet {
  /// Started first, with "--ready-fd N" appended; ready when it writes a line to that descriptor.
  /// Stopped last.
  Program scheduler;
  std::vector<Program> workers;
  Duration drain_timeout = std::chrono::seconds(10);
};

/// Keeps a scheduler and its workers running until SIGINT or SIGTERM, then drains: workers get
/// SIGTERM, when all are gone the scheduler. What is left after `drain_timeout`, or at a second
/// signal, is killed. Waits on events only; reports on `err`. Blocks those signals and SIGCHLD in
/// the calling thread, the only one that may use it.
class Supervisor {
 public:
  Supervisor(Fleet fleet, const Clock& clock, std::ostream& err);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Runs until everything has ended. `on_ready` is called once, with the scheduler's line, when it
  /// first answers. An error if it ended before that; otherwise OK.
  absl::Status run(const std::function<void(const std::string& line)>& on_ready);

  /// Of a scheduler that ended before it was ready; 0 otherwise.
  int scheduler_exit_code() const { return scheduler_exit_code_; }

 private:
  struct Child {
    Program program;
    RestartPolicy policy{};
    pid_t pid = 0;  // 0: not running
    Duration started{};
    std::optional<Duration> restart_at{};
  };
  enum class Phase { kStarting, kRunning, kDraining, kStopping };

  absl::Status start(Child& child);
  absl::Status start_scheduler();
  void start_due();
  void wait_for_event();
  void take_signals();
  void take_readiness();
  void reap();
  void on_death(Child& child, int status);
  void on_stop_signal();
  void advance_drain();
  void signal_all(int signal);
  bool workers_gone() const;
  Duration now() const { return clock_.now().monotonic; }
  Duration until_next_deadline() const;

  const Clock& clock_;
  std::ostream& err_;
  const Duration drain_timeout_;
  Child scheduler_;
  std::vector<Child> workers_;
  Phase phase_ = Phase::kStarting;
  Duration drain_ends_{};
  bool scheduler_told_ = false;
  int signals_ = -1;  // signalfd
  std::string ready_line_{};
  int ready_in_ = -1;  // the pipe's end that the scheduler's readiness arrives at
  absl::Status failure_;
  int scheduler_exit_code_ = 0;
};

}  // namespace unfold::supervise
