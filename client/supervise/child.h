#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::supervise {

/// A program to keep running.
struct Program {
  std::string name;                  ///< for messages: "scheduler", "worker-0"
  std::vector<std::string> command;  ///< path and arguments
  std::string log_file;              ///< its stdout and stderr are appended here
};

/// Starts `program` in a process group of its own (Ctrl-C on the terminal is the supervisor's to
/// handle), killed by the kernel if the calling thread dies. `ready_fd`, unless -1, stays open in
/// the child under the same number. Unavailable if it cannot be started.
absl::StatusOr<pid_t> start_child(const Program& program, int ready_fd);

/// "exit code 2", "signal 9 (Killed)".
std::string describe_wait_status(int status);

/// The last lines of a log, for a message about why its writer ended.
std::string last_lines(const std::string& file, int count);

}  // namespace unfold::supervise
