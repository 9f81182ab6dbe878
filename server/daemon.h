#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/log/logger.h"
#include "server/options.h"

namespace unfold::server {

/// The whole scheduler, running from start() to stop(). Not thread safe.
class Daemon {
 public:
  /// Opens the state folder, restores the jobs, and serves. `log` and `clock` must outlive it.
  static absl::StatusOr<std::unique_ptr<Daemon>> start(const Options& options,
                                                       const log::Logger& log, const Clock& clock);
  ~Daemon();

  /// Whether the writer thread answered since the last call; does not wait. For a watchdog.
  bool responsive();

  std::string api_address() const;
  std::string http_address() const;

  /// Takes no more calls, ends the sessions, commits what was accepted.
  void stop();

 private:
  struct Parts;
  explicit Daemon(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace unfold::server
