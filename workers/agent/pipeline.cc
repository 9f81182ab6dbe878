#include "workers/agent/pipeline.h"

#include <optional>
#include <utility>

namespace unfold::agent {

Pipeline::Pipeline()
    : reader_([this] { read_jobs(); }),
      computer_([this] { compute_jobs(); }),
      writer_([this] { write_jobs(); }) {}

Pipeline::~Pipeline() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  reader_.join();
  computer_.join();
  writer_.join();
}

void Pipeline::submit(Run run) {
  const MutexLock lock(mutex_);
  ++jobs_;
  waiting_.push_back(std::move(run));
  changed_.notify_all();
}

std::size_t Pipeline::jobs() const {
  const MutexLock lock(mutex_);
  return jobs_;
}

template <class Ready>
bool Pipeline::wait_for(const Ready& ready) {
  while (!stopping_ && !ready()) changed_.wait(mutex_);
  return !stopping_;
}

void Pipeline::leave(Run run) {
  run.reset();
  const MutexLock lock(mutex_);
  --jobs_;
}

void Pipeline::read_jobs() {
  for (;;) {
    Run run;
    {
      const MutexLock lock(mutex_);
      if (!wait_for([&]() UNFOLD_REQUIRES(mutex_) { return !waiting_.empty() && input_room_; })) {
        return;
      }
      run = std::move(waiting_.front());
      waiting_.pop_front();
      input_room_ = false;
    }
    const bool go_on = run->read();
    if (!go_on) leave(std::move(run));
    const MutexLock lock(mutex_);
    input_room_ = !go_on;
    if (go_on) input_ = std::move(run);
    changed_.notify_all();
  }
}

void Pipeline::compute_jobs() {
  std::optional<Duration> free_since;
  for (;;) {
    Run run;
    {
      const MutexLock lock(mutex_);
      if (!wait_for([&]() UNFOLD_REQUIRES(mutex_) { return input_ != nullptr; })) return;
      run = std::move(input_);
      input_room_ = true;
      changed_.notify_all();
    }
    const bool go_on = run->compute(free_since);
    free_since = run->now();
    if (!go_on) {
      leave(std::move(run));
      continue;
    }
    run->hold();
    const MutexLock lock(mutex_);
    if (!wait_for([&]() UNFOLD_REQUIRES(mutex_) { return writer_free_; })) return;
    writer_free_ = false;
    product_ = std::move(run);
    changed_.notify_all();
  }
}

void Pipeline::write_jobs() {
  for (;;) {
    Run run;
    {
      const MutexLock lock(mutex_);
      if (!wait_for([&]() UNFOLD_REQUIRES(mutex_) { return product_ != nullptr; })) return;
      run = std::move(product_);
    }
    run->write();
    leave(std::move(run));
    const MutexLock lock(mutex_);
    writer_free_ = true;
    changed_.notify_all();
  }
}

}  // namespace unfold::agent
