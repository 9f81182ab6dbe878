#pragma once

#include <functional>
#include <string>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "unfold/v1/types.pb.h"

namespace unfold::engine {

/// Sends progress, and says the last again where nothing new is to say: an engine that is silent
/// for a lease's length counts as stuck. Thread safe.
class Pulse {
 public:
  Pulse(const Clock& clock, std::function<void(const v1::Progress&)> send);

  void send(v1::Progress progress);
  /// Between those, by the work itself: at most once a second.
  void beat();
  /// On behalf of work that cannot beat itself, for at most `longest` since it last did.
  void beat_for(Duration longest);

 private:
  void send_last(Duration now) UNFOLD_REQUIRES(mutex_);

  const Clock& clock_;
  std::function<void(const v1::Progress&)> send_;
  Mutex mutex_;
  v1::Progress last_ UNFOLD_GUARDED_BY(mutex_);
  Duration sent_ UNFOLD_GUARDED_BY(mutex_){};
  Duration alive_ UNFOLD_GUARDED_BY(mutex_){};  // the work's own last sign
};

}  // namespace unfold::engine
