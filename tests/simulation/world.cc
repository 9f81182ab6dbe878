#include "tests/simulation/world.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/simulation/worker.h"

namespace unfold::simulation {
namespace {

constexpr Duration kPatience = std::chrono::minutes(20);  // once calm, every job ends in this time
constexpr std::int64_t kMemory = 100;

}  // namespace

World::World(std::uint64_t seed) : random_(seed), ids_(~seed) {
  weather_ = draw_weather();
  calm_at_ = now_.monotonic + kStorm;
  const int workers = 2 + random_.below(3);
  for (int i = 0; i < workers; ++i) {
    const SimWorker::Traits traits{.name = absl::StrCat("w", i),
                                   .slots = 1 + random_.below(2),
                                   .memory_bytes = kMemory,
                                   .anonymous = false};
    invariants_.add_worker(traits.name, {traits.slots, traits.memory_bytes});
    workers_.push_back(std::make_unique<SimWorker>(*this, traits));
  }
  workers_.push_back(std::make_unique<SimWorker>(
      *this,
      SimWorker::Traits{.name = "nobody", .slots = 4, .memory_bytes = 0, .anonymous = true}));
}

World::~World() = default;

/// Some seeds are quiet in most ways, so that each fault is also seen alone.
Weather World::draw_weather() {
  const auto rate = [this](double most) {
    return random_.chance(0.5) ? 0.0 : most * random_.real();
  };
  return {.break_session = rate(0.05),
          .double_message = rate(0.2),
          .lose_reply = rate(0.4),
          .crash_scheduler = rate(0.02),
          .fail_commit = rate(0.01),
          .crash_worker = rate(0.04),
          .freeze_worker = rate(0.06),
          .cancel = rate(0.6),
          .retry = rate(0.5)};
}

std::string World::run() {
  start_scheduler();
  for (const auto& worker : workers_) worker->start();
  plan_clients();
  plan_faults();
  while (!queue_.empty() && invariants_.violation().empty()) {
    const Scheduled next = queue_.top();
    if (next.when > calm_at_ + kPatience) break;
    queue_.pop();
    const Duration passed = next.when - now_.monotonic;
    now_.monotonic += passed;
    now_.unix_ns += passed.count();
    (*next.action)();
    ++steps_;
    invariants_.check_files();
    if (calm() && settled()) return invariants_.violation();
  }
  if (!settled()) {
    invariants_.fail(absl::StrCat(
        "I7: not all jobs ended: ", unanswered_, " unanswered, ", invariants_.unfinished().size(),
        " unfinished, first ",
        invariants_.unfinished().empty() ? std::string() : invariants_.unfinished().front()));
  }
  return invariants_.violation();
}

bool World::settled() const { return unanswered_ == 0 && invariants_.unfinished().empty(); }

void World::at(Duration delay, std::function<void()> action) {
  queue_.push({now_.monotonic + delay, ++order_,
               std::make_shared<std::function<void()>>(std::move(action))});
}

void World::note(const std::string& line) {
  if (line.empty()) return;
  const double t = std::chrono::duration<double>(now_.monotonic - std::chrono::hours(1)).count();
  trace_.push_back(absl::StrFormat("%9.3f %s", t, line));
}

}  // namespace unfold::simulation
