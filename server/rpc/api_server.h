#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/rpc/backend.h"
#include "server/rpc/worker_sessions.h"

namespace unfold::server {

/// The gRPC side: every service of unfold.v1, grpc.health.v1 and reflection, on one address. The
/// backend and the sessions must outlive it. Thread safe.
class ApiServer {
 public:
  struct Options {
    std::string listen;  ///< "unix:PATH" or "HOST:PORT"
    bool insecure = false;
  };
  /// Errors as listen_address.h, and Unavailable where the port is taken.
  static absl::StatusOr<std::unique_ptr<ApiServer>> start(const Options& options,
                                                          const Backend& backend,
                                                          WorkerSessions& sessions);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// What clients give as --server: the port is the real one.
  std::string address() const;

  /// Refuses new calls, closes the sessions, gives running calls `grace`, then cuts them off.
  void stop(Duration grace);

 private:
  struct Impl;
  explicit ApiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace unfold::server
