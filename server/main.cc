#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "common/base/version.h"
#include "common/manager/service_manager.h"
#include "server/daemon.h"
#include "server/options.h"
#include "server/plan_functions.h"

namespace unfold::server {
namespace {

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

void announce(const Options& options, const Daemon& daemon, const log::Logger& log) {
  log.info("ready", {{"api", daemon.api_address()},
                     {"http", daemon.http_address()},
                     {"dir", options.dir},
                     {"version", kVersion},
                     {"commit", kCommit}});
  if (options.ready_fd < 0) return;
  const std::string line = "READY " + daemon.api_address() + " " + daemon.http_address() + "\n";
  if (write(options.ready_fd, line.data(), line.size()) < 0) {
    log.warning("nobody reads --ready-fd");
  }
  close(options.ready_fd);
}

int run(const Options& options) {
  const SystemClock clock;
  const log::Logger log(options.log_level, options.log_format, clock);
  // Blocked before any thread starts, so that only sigwait() takes them.
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const auto daemon = Daemon::start(options, log, clock);
  if (!daemon.ok()) {
    std::fprintf(stderr, "unfold-scheduler: %s\n", std::string(daemon.status().message()).c_str());
    return exit_code_of(daemon.status());
  }
  announce(options, **daemon, log);
  const ServiceManager manager;
  manager.ready("serving at " + (*daemon)->api_address());
  const int signal = wait_for_signal(signals, manager, [&] { return (*daemon)->responsive(); });
  log.info("stopping", {{"signal", signal}});
  manager.stopping();
  (*daemon)->stop();
  log.info("stopped");
  return 0;
}

}  // namespace
}  // namespace unfold::server

int main(int argc, char** argv) {
  const auto invocation = unfold::server::parse_command_line(argc, argv);
  if (invocation.exits) return invocation.exit_code;
  if (invocation.options.plan_helper >= 0) {
    return unfold::server::run_plan_helper(invocation.options);
  }
  return unfold::server::run(invocation.options);
}
