#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <thread>

#include "common/base/mutex.h"
#include "workers/agent/job_run.h"

namespace unfold::agent {

/// One slot: a reader, a computing and a writing thread, so that the next input is read and the
/// last product written while one job computes. Memory is bounded: besides the job that computes,
/// one input (read or being read) and one product (written, or waiting while the writer is busy).
/// Thread safe.
class Pipeline {
 public:
  Pipeline();
  /// Waits for the job of each thread; those that wait for a thread are dropped unreported.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  void submit(std::shared_ptr<JobRun> run);
  std::size_t jobs() const;  ///< in it, at any stage

 private:
  using Run = std::shared_ptr<JobRun>;

  void read_jobs();
  void compute_jobs();
  void write_jobs();
  void leave(Run run);  // it has ended
  template <class Ready>
  bool wait_for(const Ready& ready) UNFOLD_REQUIRES(mutex_);

  mutable Mutex mutex_;
  Condition changed_;
  bool stopping_ UNFOLD_GUARDED_BY(mutex_) = false;
  std::size_t jobs_ UNFOLD_GUARDED_BY(mutex_) = 0;
  std::deque<Run> waiting_ UNFOLD_GUARDED_BY(mutex_);
  bool input_room_ UNFOLD_GUARDED_BY(mutex_) = true;  // nobody has, or is reading, the next input
  Run input_ UNFOLD_GUARDED_BY(mutex_);
  bool writer_free_ UNFOLD_GUARDED_BY(mutex_) = true;
  Run product_ UNFOLD_GUARDED_BY(mutex_);
  std::thread reader_;
  std::thread computer_;
  std::thread writer_;
};

}  // namespace unfold::agent
