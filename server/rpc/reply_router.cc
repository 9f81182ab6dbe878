#include "server/rpc/reply_router.h"

#include <utility>

namespace unfold::server {

Token ReplyRouter::expect(Callback callback) {
  const std::lock_guard lock(mutex_);
  callbacks_[++last_] = std::move(callback);
  return last_;
}

void ReplyRouter::deliver(Reply reply) {
  Callback callback;
  {
    const std::lock_guard lock(mutex_);
    const auto it = callbacks_.find(reply.token);
    if (it == callbacks_.end()) return;
    callback = std::move(it->second);
    callbacks_.erase(it);
  }
  callback(std::move(reply.body));
}

void ReplyRouter::fail_all(const absl::Status& why) {
  std::unordered_map<Token, Callback> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(callbacks_);
  }
  for (auto& [token, callback] : waiting) callback(why);
}

}  // namespace unfold::server
