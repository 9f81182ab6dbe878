#pragma once

#include <condition_variable>
#include <mutex>

// clang checks these (-Wthread-safety); other compilers see nothing.
#if defined(__clang__)
#define UNFOLD_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define UNFOLD_THREAD_ANNOTATION(x)
#endif
#define UNFOLD_GUARDED_BY(x) UNFOLD_THREAD_ANNOTATION(guarded_by(x))
#define UNFOLD_REQUIRES(x) UNFOLD_THREAD_ANNOTATION(requires_capability(x))
#define UNFOLD_EXCLUDES(x) UNFOLD_THREAD_ANNOTATION(locks_excluded(x))

namespace unfold {

/// std::mutex with declared locking. (absl::Mutex shows false races under ThreadSanitizer here.)
class UNFOLD_THREAD_ANNOTATION(capability("mutex")) Mutex {
 public:
  void lock() UNFOLD_THREAD_ANNOTATION(acquire_capability()) { mutex_.lock(); }
  void unlock() UNFOLD_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }

 private:
  friend class Condition;
  std::mutex mutex_;
};

class UNFOLD_THREAD_ANNOTATION(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) UNFOLD_THREAD_ANNOTATION(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() UNFOLD_THREAD_ANNOTATION(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Waits with the mutex held; may wake without cause, so callers loop on what they wait for.
class Condition {
 public:
  void wait(Mutex& mutex) UNFOLD_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  template <class Rep, class Period>
  void wait_for(Mutex& mutex, std::chrono::duration<Rep, Period> at_most) UNFOLD_REQUIRES(mutex) {
    std::unique_lock<std::mutex> held(mutex.mutex_, std::adopt_lock);
    condition_.wait_for(held, at_most);
    held.release();
  }
  void notify_all() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace unfold
