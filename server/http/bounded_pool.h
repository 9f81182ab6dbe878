#pragma once

#include <httplib.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace unfold::server {

/// cpp-httplib's task queue with a bound: `threads` serve, and once `most_waiting` connections
/// wait, one more thread, the doorman, answers the rest with 503 (see is_doorman()). Thread safe.
class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool(int threads, int most_waiting);
  ~BoundedPool() override;

  void enqueue(std::function<void()> connection) override;
  void shutdown() override;

  /// Whether the calling thread only turns connections away.
  static bool is_doorman();

 private:
  using Queue = std::deque<std::function<void()>>;
  void serve(Queue& queue, bool doorman);

  const std::size_t most_waiting_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  Queue waiting_;  // guarded by mutex_, like all below
  Queue turned_away_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace unfold::server
