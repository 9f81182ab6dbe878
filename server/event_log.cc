#include "server/event_log.h"

#include <utility>

namespace unfold::server {
namespace {

constexpr std::size_t kMostWaiting = 100'000;

log::Level level_of(const JobEvent& event) {
  const auto level = log::parse_level(event.level);
  return level.ok() ? *level : log::Level::kInfo;
}

}  // namespace

EventLog::EventLog(const log::Logger& log) : log_(log), thread_([this] { run(); }) {}

EventLog::~EventLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void EventLog::add(const JobEvent& event) {
  if (!log_.enabled(level_of(event))) return;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMostWaiting) {
      ++dropped_;
      return;
    }
    waiting_.push_back(event);
  }
  arrived_.notify_one();
}

void EventLog::run() {
  for (;;) {
    std::deque<JobEvent> events;
    std::int64_t dropped = 0;
    {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      events.swap(waiting_);
      dropped = std::exchange(dropped_, 0);
    }
    for (const JobEvent& event : events) write(event);
    if (dropped > 0) log_.warning("log lines were dropped", {{"lines", dropped}});
  }
}

void EventLog::write(const JobEvent& event) const {
  if (event.attempt > 0) {
    log_.log(level_of(event), event.message,
             {{"job", event.job_id}, {"attempt", event.attempt}, {"worker", event.worker}});
  } else {
    log_.log(level_of(event), event.message, {{"job", event.job_id}, {"worker", event.worker}});
  }
}

}  // namespace unfold::server
