#include "workers/residency/idle_workspaces.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace unfold::residency {

void IdleWorkspaces::keep(const std::string& engine, std::int64_t reserved,
                          std::shared_ptr<Workspace> workspace) {
  const std::int64_t bytes = workspace->bytes();
  idle_.push_back({engine, reserved, bytes, std::move(workspace)});
  bytes_ += bytes;
}

std::shared_ptr<Workspace> IdleWorkspaces::take(const std::string& engine, std::int64_t reserved) {
  const auto latest = std::find_if(idle_.rbegin(), idle_.rend(), [&](const Idle& idle) {
    return idle.engine == engine && idle.reserved == reserved;
  });
  if (latest == idle_.rend()) return nullptr;
  std::shared_ptr<Workspace> taken = std::move(latest->workspace);
  bytes_ -= latest->bytes;
  idle_.erase(std::next(latest).base());
  return taken;
}

void IdleWorkspaces::drop_oldest() {
  bytes_ -= idle_.front().bytes;
  idle_.pop_front();
}

}  // namespace unfold::residency
