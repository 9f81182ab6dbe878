#include "workers/health/monitor.h"

#include <utility>
#include <vector>

namespace unfold::health {
namespace {

constexpr Duration kOnItsWay = std::chrono::milliseconds(250);

}  // namespace

Monitor::Monitor(std::unique_ptr<Sensors> sensors, Duration every)
    : sensors_(std::move(sensors)), every_(every) {
  read_once(Duration::zero());
  thread_ = std::thread([this] { run(); });
}

Monitor::~Monitor() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

v1::DeviceHealth Monitor::latest() const {
  const MutexLock lock(mutex_);
  return record_.health();
}

void Monitor::read_again() {
  const MutexLock lock(mutex_);
  const std::int64_t mine = ++wanted_;
  changed_.notify_all();
  while (done_ < mine && !stopping_) changed_.wait(mutex_);
}

void Monitor::run() {
  for (;;) {
    std::int64_t answers = 0;
    Duration patience{};
    {
      const MutexLock lock(mutex_);
      if (!stopping_ && wanted_ == done_) changed_.wait_for(mutex_, every_);
      if (stopping_) return;
      answers = wanted_;
      if (answers > done_) patience = kOnItsWay;
    }
    read_once(patience);
    const MutexLock lock(mutex_);
    done_ = answers;
    changed_.notify_all();
  }
}

void Monitor::read_once(Duration patience) {
  std::vector<unsigned> xids;
  for (auto xid = sensors_->next_xid(patience); xid; xid = sensors_->next_xid(Duration::zero())) {
    xids.push_back(*xid);
  }
  const Reading reading = sensors_->read();
  const MutexLock lock(mutex_);
  record_.read(reading);
  for (const unsigned xid : xids) record_.xid(xid);
}

}  // namespace unfold::health
