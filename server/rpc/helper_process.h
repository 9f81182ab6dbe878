#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::server {

/// A child process at the other end of a socket. Killed and reaped on destruction. Move-only by
/// unique_ptr; not thread safe.
class HelperProcess {
 public:
  /// Starts `command` with one end of a socket pair as a descriptor, its number in place of "{fd}",
  /// and no other descriptor beyond standard error.
  static absl::StatusOr<std::unique_ptr<HelperProcess>> start(std::vector<std::string> command);
  ~HelperProcess();
  HelperProcess(const HelperProcess&) = delete;
  HelperProcess& operator=(const HelperProcess&) = delete;

  int fd() const { return fd_; }
  /// Kills it if need be and says how it ended: "signal 11 (Segmentation fault)", "exit code 3".
  std::string end();

 private:
  HelperProcess(pid_t pid, int fd) : pid_(pid), fd_(fd) {}

  pid_t pid_;
  int fd_;
};

}  // namespace unfold::server
