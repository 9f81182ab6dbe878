#include "server/http/bounded_pool.h"

#include <utility>

namespace unfold::server {
namespace {

thread_local bool this_is_the_doorman = false;

}  // namespace

bool BoundedPool::is_doorman() { return this_is_the_doorman; }

BoundedPool::BoundedPool(int threads, int most_waiting)
    : most_waiting_(static_cast<std::size_t>(most_waiting)) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { serve(waiting_, false); });
  }
  threads_.emplace_back([this] { serve(turned_away_, true); });
}

BoundedPool::~BoundedPool() { shutdown(); }

void BoundedPool::enqueue(std::function<void()> connection) {
  {
    const std::lock_guard lock(mutex_);
    Queue& queue = waiting_.size() < most_waiting_ ? waiting_ : turned_away_;
    queue.push_back(std::move(connection));
  }
  arrived_.notify_all();
}

void BoundedPool::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

// A connection that is taken is served to its end, even while stopping: its closure owns the
// socket.
void BoundedPool::serve(Queue& queue, bool doorman) {
  this_is_the_doorman = doorman;
  for (;;) {
    std::function<void()> connection;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [&] { return stopping_ || !queue.empty(); });
      if (queue.empty()) return;
      connection = std::move(queue.front());
      queue.pop_front();
    }
    connection();
  }
}

}  // namespace unfold::server
