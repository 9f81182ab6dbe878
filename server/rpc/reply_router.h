#pragma once

#include <functional>
#include <mutex>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "server/scheduler/core.h"

namespace unfold::server {

/// Matches the core's replies with the callers that wait for them. Thread safe.
class ReplyRouter {
 public:
  using Callback = std::function<void(absl::StatusOr<ReplyBody>)>;

  /// A token for the next event; `callback` runs once, on the loop's thread, and must not block.
  Token expect(Callback callback);
  void deliver(Reply reply);
  /// Every caller that still waits gets `why`.
  void fail_all(const absl::Status& why);

 private:
  std::mutex mutex_;
  Token last_ = 0;                                 // guarded by mutex_
  std::unordered_map<Token, Callback> callbacks_;  // guarded by mutex_
};

}  // namespace unfold::server
