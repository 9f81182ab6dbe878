#include "common/manager/service_manager.h"

#include <systemd/sd-daemon.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>

namespace unfold {

ServiceManager::ServiceManager() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0)
    beat_ = std::chrono::microseconds(microseconds / 3);
}

void ServiceManager::ready(const std::string& status) const {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void ServiceManager::alive() const { sd_notify(0, "WATCHDOG=1"); }

void ServiceManager::stopping() const { sd_notify(0, "STOPPING=1"); }

bool Pulse::beat() {
  if (!answered_->exchange(false)) return false;
  post_([answered = answered_] { *answered = true; });
  return true;
}

int wait_for_signal(const sigset_t& signals, const ServiceManager& manager,
                    const std::function<bool()>& responsive) {
  int signal = 0;
  if (!manager.beat()) {
    sigwait(&signals, &signal);
    return signal;
  }
  const auto nanoseconds =
      std::chrono::duration_cast<std::chrono::nanoseconds>(*manager.beat()).count();
  const timespec beat = {nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  while (true) {
    signal = sigtimedwait(&signals, nullptr, &beat);
    if (signal > 0) return signal;
    if (errno == EAGAIN && responsive()) manager.alive();
  }
}

}  // namespace unfold
