#pragma once

#include <signal.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/clock.h"

namespace unfold {

/// Tells systemd how this process is (sd_notify(3)), where systemd started it (Type=notify);
/// anywhere else nothing happens. Thread safe.
class ServiceManager {
 public:
  ServiceManager();

  /// `status`: one line, for `systemctl status`.
  void ready(const std::string& status) const;
  void alive() const;
  void stopping() const;

  /// How often alive() is due: a third of WatchdogSec; none where nobody watches.
  std::optional<Duration> beat() const { return beat_; }

 private:
  std::optional<Duration> beat_;
};

/// Whether a loop still turns, asked without waiting for it. Thread safe.
class Pulse {
 public:
  /// `post` hands the loop something to call.
  using Post = std::function<void(std::function<void()>)>;
  explicit Pulse(Post post) : post_(std::move(post)) {}

  /// Whether it has called what it was given at the last beat; gives it more then.
  bool beat();

 private:
  Post post_;
  std::shared_ptr<std::atomic<bool>> answered_ = std::make_shared<std::atomic<bool>>(true);
};

/// Waits for one of `signals` (blocked in every thread) and returns it. Meanwhile, at each beat,
/// asks `responsive`, which may not block, and passes a yes on.
int wait_for_signal(const sigset_t& signals, const ServiceManager& manager,
                    const std::function<bool()>& responsive);

}  // namespace unfold
