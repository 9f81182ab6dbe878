#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/log/logger.h"
#include "common/publish/publication.h"

namespace unfold::worker {

/// What unfold-worker was told: flags over UNFOLD_WORKER__* variables over the TOML file.
struct Options {
  std::string scheduler;
  std::string device = "auto";
  std::string name;
  int slots = 1;
  int threads = 0;                           ///< 0: as many as this process may run on
  std::optional<std::int64_t> memory_bytes;  ///< none: as default_budget() has it
  std::vector<std::string> roots;
  Duration drain_timeout{};
  Duration cancel_grace{};
  ProductOwnership ownership;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kAuto;
  bool exit_with_parent = false;
  bool list_devices = false;
};

/// Parses the command line; prints help, version or what is wrong and says how to exit then.
struct Parsed {
  Options options;
  bool exit = false;
  int exit_code = 0;
};
Parsed parse_options(int argc, char** argv);

}  // namespace unfold::worker
