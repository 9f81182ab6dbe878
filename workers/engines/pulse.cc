#include "workers/engines/pulse.h"

#include <chrono>
#include <utility>

namespace unfold::engine {
namespace {

constexpr std::chrono::seconds kBetween{1};

}  // namespace

Pulse::Pulse(const Clock& clock, std::function<void(const v1::Progress&)> send)
    : clock_(clock), send_(std::move(send)) {
  const MutexLock lock(mutex_);
  sent_ = alive_ = clock_.now().monotonic;
  last_.set_stage("compute");
}

void Pulse::send(v1::Progress progress) {
  const MutexLock lock(mutex_);
  last_ = std::move(progress);
  sent_ = alive_ = clock_.now().monotonic;
  send_(last_);
}

void Pulse::beat() {
  const MutexLock lock(mutex_);
  alive_ = clock_.now().monotonic;
  send_last(alive_);
}

void Pulse::beat_for(Duration longest) {
  const MutexLock lock(mutex_);
  const Duration now = clock_.now().monotonic;
  if (now <= alive_ + longest) send_last(now);
}

void Pulse::send_last(Duration now) {
  if (now < sent_ + kBetween) return;
  sent_ = now;
  send_(last_);
}

}  // namespace unfold::engine
