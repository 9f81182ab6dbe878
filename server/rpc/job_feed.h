#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"
#include "server/rpc/pending_changes.h"

namespace unfold::server {

/// Carries every committed change of a job to those who watch or wait, on a thread of its own, so
/// that a thousand watchers cost the core one pointer. Thread safe.
class JobFeed {
 public:
  /// Called on the feed's thread; must not block, nor call subscribe() or unsubscribe().
  class Subscriber {
   public:
    virtual ~Subscriber() = default;
    virtual void offer(const JobPtr& job) = 0;
    /// Several times a second; every change up to `revision` has been offered.
    virtual void tick(std::int64_t revision, Time now) = 0;
  };
  struct Interest {  ///< both empty: every job
    std::string job_id;
    std::string exposure;
  };

  /// `revision`: of the last change in the store. `clock` must outlive the feed.
  JobFeed(std::int64_t revision, const Clock& clock);
  ~JobFeed();
  JobFeed(const JobFeed&) = delete;
  JobFeed& operator=(const JobFeed&) = delete;

  /// Changes in order of revision. Never blocks for long: only hands over.
  void publish(std::vector<JobPtr> jobs);

  /// From now on `subscriber` is offered every change after the returned revision.
  std::int64_t subscribe(std::shared_ptr<Subscriber> subscriber, Interest interest);
  void unsubscribe(const Subscriber* subscriber);

  /// Of the last change that was offered.
  std::int64_t revision() const { return revision_; }

  /// Everyone is forgotten and the thread ends; later publications are dropped.
  void stop();

 private:
  using Group = std::vector<std::shared_ptr<Subscriber>>;

  void run();
  void distribute(const std::vector<JobPtr>& jobs);
  void offer(const JobPtr& job);
  Group everyone() const;

  const Clock& clock_;
  std::mutex inbox_mutex_;
  std::condition_variable arrived_;
  std::vector<JobPtr> inbox_;  // guarded by inbox_mutex_
  bool stopping_ = false;      // guarded by inbox_mutex_

  std::atomic<std::int64_t> revision_;

  std::mutex subscribers_mutex_;  // all below
  Duration last_tick_{};
  Group all_;
  std::unordered_map<std::string, Group> by_job_;
  std::unordered_map<std::string, Group> by_exposure_;
  std::unordered_map<const Subscriber*, Interest> interests_;

  std::thread thread_;
};

}  // namespace unfold::server
