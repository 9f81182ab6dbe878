#include "server/rpc/job_feed.h"

#include <algorithm>
#include <utility>

namespace unfold::server {
namespace {

constexpr std::chrono::milliseconds kTick(250);

template <class Group>
void drop(Group& group, const JobFeed::Subscriber* subscriber) {
  std::erase_if(group, [&](const auto& member) { return member.get() == subscriber; });
}

template <class Index>
void drop(Index& index, const std::string& key, const JobFeed::Subscriber* subscriber) {
  const auto it = index.find(key);
  if (it == index.end()) return;
  drop(it->second, subscriber);
  if (it->second.empty()) index.erase(it);
}

}  // namespace

JobFeed::JobFeed(std::int64_t revision, const Clock& clock)
    : clock_(clock), revision_(revision), thread_([this] { run(); }) {}

JobFeed::~JobFeed() { stop(); }

void JobFeed::stop() {
  {
    const std::lock_guard lock(inbox_mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(subscribers_mutex_);
  all_.clear();
  by_job_.clear();
  by_exposure_.clear();
  interests_.clear();
}

void JobFeed::publish(std::vector<JobPtr> jobs) {
  {
    const std::lock_guard lock(inbox_mutex_);
    inbox_.insert(inbox_.end(), std::make_move_iterator(jobs.begin()),
                  std::make_move_iterator(jobs.end()));
  }
  arrived_.notify_one();
}

std::int64_t JobFeed::subscribe(std::shared_ptr<Subscriber> subscriber, Interest interest) {
  const std::lock_guard lock(subscribers_mutex_);
  interests_[subscriber.get()] = interest;
  if (!interest.job_id.empty()) {
    by_job_[interest.job_id].push_back(std::move(subscriber));
  } else if (!interest.exposure.empty()) {
    by_exposure_[interest.exposure].push_back(std::move(subscriber));
  } else {
    all_.push_back(std::move(subscriber));
  }
  return revision_;
}

void JobFeed::unsubscribe(const Subscriber* subscriber) {
  const std::lock_guard lock(subscribers_mutex_);
  const auto it = interests_.find(subscriber);
  if (it == interests_.end()) return;
  drop(by_job_, it->second.job_id, subscriber);
  drop(by_exposure_, it->second.exposure, subscriber);
  drop(all_, subscriber);
  interests_.erase(it);
}

void JobFeed::run() {
  for (;;) {
    std::vector<JobPtr> jobs;
    {
      std::unique_lock lock(inbox_mutex_);
      arrived_.wait_for(lock, kTick, [&] { return stopping_ || !inbox_.empty(); });
      if (stopping_) return;
      jobs.swap(inbox_);
    }
    distribute(jobs);
  }
}

void JobFeed::distribute(const std::vector<JobPtr>& jobs) {
  const std::lock_guard lock(subscribers_mutex_);
  for (const JobPtr& job : jobs) {
    offer(job);
    revision_ = std::max(revision_.load(), job->revision());
  }
  const Time now = clock_.now();
  if (now.monotonic - last_tick_ < kTick) return;
  last_tick_ = now.monotonic;
  for (const auto& subscriber : everyone()) subscriber->tick(revision_, now);
}

void JobFeed::offer(const JobPtr& job) {
  for (const auto& subscriber : all_) subscriber->offer(job);
  if (const auto it = by_job_.find(job->id()); it != by_job_.end()) {
    for (const auto& subscriber : it->second) subscriber->offer(job);
  }
  if (const auto it = by_exposure_.find(job->exposure()); it != by_exposure_.end()) {
    for (const auto& subscriber : it->second) subscriber->offer(job);
  }
}

JobFeed::Group JobFeed::everyone() const {
  Group group = all_;
  for (const auto& [id, members] : by_job_)
    group.insert(group.end(), members.begin(), members.end());
  for (const auto& [id, members] : by_exposure_) {
    group.insert(group.end(), members.begin(), members.end());
  }
  return group;
}

}  // namespace unfold::server
