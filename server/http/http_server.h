#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace unfold::server {

/// The scheduler's HTTP side, for people and Prometheus: /metrics, /healthz, /readyz, and a page at
/// /. GET and HEAD only, on a small thread pool of its own; connections beyond it get 503 at once.
/// Thread safe.
class HttpServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 9477;
    bool port_is_explicit = false;  ///< a busy port is an error, not a reason to try the next
    int threads = 8;
    int most_waiting = 64;
  };
  /// Called on the server's threads.
  struct Pages {
    std::function<std::string()> metrics;  ///< Prometheus text
    std::function<bool()> ready;
    std::function<std::string()> home;  ///< HTML
  };

  /// Binds and serves. Unavailable/PORT_BUSY when the explicit port, or all of 100, are taken.
  static absl::StatusOr<std::unique_ptr<HttpServer>> start(const Options& options, Pages pages);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:9477"
  std::string address() const;
  void stop();

 private:
  struct Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace unfold::server
