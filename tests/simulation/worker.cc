#include "tests/simulation/worker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/simulation/work.h"
#include "tests/simulation/world.h"

namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kHeartbeat = seconds(2);

}  // namespace

SimWorker::SimWorker(World& world, Traits traits) : world_(world), traits_(std::move(traits)) {}
SimWorker::~SimWorker() = default;

// ---- the process ----

void SimWorker::start() {
  ++life_;
  alive_ = true;
  frozen_ = false;
  incarnation_ = absl::StrCat(traits_.name, "#", life_);
  welcomed_ = false;
  resident_.clear();
  connect();
  later(kHeartbeat, [this] { beat(); });
}

void SimWorker::crash(const std::string& why) {
  if (!alive_) return;
  world_.note(absl::StrCat(traits_.name, " dies: ", why));
  alive_ = false;
  works_.clear();
  unacknowledged_.clear();
  frozen_actions_.clear();
  beats_.clear();
  if (session_ != 0) world_.break_session(session_);
  session_ = 0;
  world_.at(world_.random().between(seconds(1), seconds(20)), [this] { start(); });
}

void SimWorker::freeze(Duration length) {
  if (!alive_ || frozen_) return;
  world_.note(absl::StrCat(traits_.name, " freezes"));
  frozen_ = true;
  world_.at(length, [this, life = life_] {
    if (life != life_ || !alive_) return;
    world_.note(absl::StrCat(traits_.name, " thaws"));
    frozen_ = false;
    while (!frozen_ && alive_ && !frozen_actions_.empty()) {
      const auto action = std::move(frozen_actions_.front());
      frozen_actions_.pop_front();
      action();
    }
  });
}

void SimWorker::run_or_hold(std::function<void()> action) {
  if (!alive_) return;
  if (frozen_) {
    frozen_actions_.push_back(std::move(action));
  } else {
    action();
  }
}

void SimWorker::later(Duration delay, std::function<void()> action) {
  world_.at(delay, [this, life = life_, action = std::move(action)] {
    if (life == life_) run_or_hold(action);
  });
}

// ---- the session ----

void SimWorker::connect() {
  if (session_ != 0) return;
  session_ = world_.connect(*this);
  welcomed_ = false;
  beats_.clear();
  if (session_ == 0) {
    later(world_.random().between(milliseconds(200), seconds(2)), [this] { connect(); });
    return;
  }
  say_hello();
}

void SimWorker::say_hello() {
  v1::WorkerMessage message;
  v1::Hello& hello = *message.mutable_hello();
  if (!traits_.anonymous) {
    hello.set_worker(traits_.name);
    hello.set_incarnation(incarnation_);
  }
  hello.set_slots(traits_.slots);
  hello.set_memory_bytes(traits_.memory_bytes);
  hello.add_engines("probe");
  for (const std::string& key : resident_) hello.add_residency()->set_key(key);
  hello_ = {.sent = world_.now().monotonic, .leases = {}};
  for (const auto& [id, work] : works_) {
    *hello.add_held_leases() = held(*work);
    hello_.leases.insert(id);
  }
  send(message);
  for (const auto& [id, finished] : unacknowledged_) {
    v1::WorkerMessage again;
    *again.mutable_finished() = finished;
    send(again);
  }
  for (const auto& [id, work] : works_) {
    if (work->asked && !work->on_record) ask(*work);
  }
}

void SimWorker::send(const v1::WorkerMessage& message) {
  if (session_ == 0) return;
  world_.send(session_, message);
  if (message.has_hello() || !world_.chance(world_.weather().double_message)) return;
  if (session_ != 0) world_.send(session_, message);
}

void SimWorker::disconnected(server::SessionId session) {
  run_or_hold([this, session] {
    if (session_ != session) return;
    session_ = 0;
    welcomed_ = false;
    later(world_.random().between(milliseconds(50), seconds(1)), [this] { connect(); });
  });
}

v1::HeldLease SimWorker::held(const Work& work) const {
  v1::HeldLease lease;
  lease.set_lease_id(work.assign.lease_id());
  lease.set_job_id(work.assign.job_id());
  lease.set_fence(work.assign.fence());
  lease.set_loading(work.loading);
  if (work.fraction > 0) lease.mutable_progress()->set_fraction(work.fraction);
  return lease;
}

void SimWorker::beat() {
  if (session_ != 0 && welcomed_) {
    v1::WorkerMessage message;
    v1::Heartbeat& heartbeat = *message.mutable_heartbeat();
    heartbeat.set_sequence(++sequence_);
    Beat& sent = beats_[sequence_];
    sent.sent = world_.now().monotonic;
    for (const auto& [id, work] : works_) {
      if (work->stuck) continue;
      *heartbeat.add_held_leases() = held(*work);
      sent.leases.insert(id);
    }
    for (const std::string& key : resident_) heartbeat.add_residency()->set_key(key);
    send(message);
  }
  later(kHeartbeat, [this] { beat(); });
}

void SimWorker::receive(server::SessionId session, const v1::SchedulerMessage& message) {
  run_or_hold([this, session, message] {
    if (session != session_) return;
    if (message.has_assign() && traits_.anonymous) {
      return world_.invariants().fail("I12: a worker without identity got a job");
    }
    if (message.has_welcome()) welcome(message.welcome());
    if (message.has_heartbeat_ack()) heartbeat_ack(message.heartbeat_ack().sequence());
    if (message.has_assign()) assign(message.assign());
    if (message.has_cancel()) cancel(message.cancel());
    if (message.has_abandon()) abandon(message.abandon());
    if (message.has_publish_grant()) granted(message.publish_grant());
    if (message.has_finished_ack()) unacknowledged_.erase(message.finished_ack().lease_id());
  });
}

void SimWorker::welcome(const v1::Welcome& welcome) {
  welcomed_ = true;
  last_contact_ = std::max(last_contact_, hello_.sent);
  for (const std::string& id : welcome.adopted_leases()) {
    Work* work = find(id);
    if (work != nullptr && !work->stop) work->valid_until = hello_.sent + kLease;
  }
}

void SimWorker::heartbeat_ack(std::int64_t sequence) {
  const auto beat = beats_.find(sequence);
  if (beat == beats_.end()) return;
  last_contact_ = std::max(last_contact_, beat->second.sent);
  for (const std::string& id : beat->second.leases) {
    Work* work = find(id);
    if (work == nullptr || work->stop) continue;
    work->valid_until = std::max(work->valid_until, beat->second.sent + kLease);
  }
  beats_.erase(beats_.begin(), std::next(beat));
}

bool SimWorker::holds(const std::string& job, std::int64_t other_than_fence) const {
  if (!alive_) return false;
  return std::any_of(works_.begin(), works_.end(), [&](const auto& entry) {
    const Work& work = *entry.second;
    return work.assign.job_id() == job && work.assign.fence() != other_than_fence &&
           world_.now().monotonic < work.valid_until;
  });
}

}  // namespace unfold::simulation
