#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/log/logger.h"

namespace unfold::server {

/// What `unfold-scheduler` was asked to do: flags, else environment (UNFOLD_SCHEDULER__NAME), else
/// the file of --config, else the defaults here.
struct Options {
  std::string dir;
  std::string listen;
  std::string http_host = "127.0.0.1";
  int http_port = 9477;
  bool http_port_is_explicit = false;
  std::vector<std::string> roots;
  Duration heartbeat = std::chrono::seconds(2);
  Duration lease = std::chrono::seconds(15);
  Duration adoption = std::chrono::seconds(30);
  int cordon_after_hangs = 2;
  std::int64_t max_queued = 1'000'000;
  Duration plan_timeout = std::chrono::seconds(60);
  int plan_helpers = 2;
  std::string helper_program;  ///< [this program]
  bool enable_probe_engine = false;
  bool insecure = false;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kAuto;
  int ready_fd = -1;     ///< told when the service answers; -1: none
  int plan_helper = -1;  ///< this process is a validation helper on that descriptor
};

/// Either what to do, or what to print and the exit code (help, version, usage errors).
struct Invocation {
  Options options;
  bool exits = false;
  int exit_code = 0;
};

/// Prints help, version and usage errors itself.
Invocation parse_command_line(int argc, const char* const* argv);

/// The exit code that the project's table gives to a start that failed.
int exit_code_of(const absl::Status& status);

}  // namespace unfold::server
