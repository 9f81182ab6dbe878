#include "server/disk_watch.h"

#include <mutex>
#include <utility>

namespace unfold::server {

/// Owned by the thread too, which may outlive the watch within a system call.
struct DiskWatch::State {
  std::shared_ptr<metrics::DiskMetrics> disks;
  std::map<std::string, std::string> folders;
  Duration interval;
  std::mutex mutex;
  std::condition_variable stopped;
  bool stop = false;  // guarded by mutex
};

DiskWatch::DiskWatch(std::shared_ptr<metrics::DiskMetrics> disks,
                     std::map<std::string, std::string> folders, Duration interval)
    : state_(std::make_shared<State>()) {
  state_->disks = std::move(disks);
  state_->folders = std::move(folders);
  state_->interval = interval;
  std::thread([state = state_] { run(state); }).detach();
}

DiskWatch::~DiskWatch() {
  const std::lock_guard lock(state_->mutex);
  state_->stop = true;
  state_->stopped.notify_all();
}

void DiskWatch::run(const std::shared_ptr<State>& state) {
  std::unique_lock lock(state->mutex);
  while (!state->stop) {
    lock.unlock();
    for (const auto& [name, path] : state->folders) state->disks->show(name, path);
    lock.lock();
    state->stopped.wait_for(lock, state->interval, [&] { return state->stop; });
  }
}

}  // namespace unfold::server
