#include "tests/simulation/worker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/jobs/sabotage.h"
#include "tests/simulation/world.h"

namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kLease = seconds(15);
constexpr Duration kHeartbeat = seconds(2);

}  // namespace

struct SimWorker::Work {
  v1::Assign assign;
  Duration valid_until{};
  bool running = false;  ///< holds a slot
  bool loading = true;
  bool stuck = false;
  bool asked = false;
  bool on_record = false;  ///< a grant came
  std::optional<v1::ErrorClass> stop;
  double fraction = 0;
  std::unique_ptr<Publication> publication;
  bool alive_when_asked = false;
};

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

// ---- jobs ----

SimWorker::Work* SimWorker::find(const std::string& lease_id) {
  const auto found = works_.find(lease_id);
  return found == works_.end() ? nullptr : found->second.get();
}

void SimWorker::assign(const v1::Assign& assign) {
  if (find(assign.lease_id()) != nullptr || unacknowledged_.contains(assign.lease_id())) return;
  auto work = std::make_unique<Work>();
  work->assign = assign;
  work->valid_until = last_contact_ + kLease;
  works_[assign.lease_id()] = std::move(work);
  fill_slots();
}

void SimWorker::fill_slots() {
  int running = 0;
  std::vector<Work*> waiting;
  for (const auto& [id, work] : works_) {
    if (work->running) {
      ++running;
    } else {
      waiting.push_back(work.get());
    }
  }
  std::sort(waiting.begin(), waiting.end(),
            [](const Work* a, const Work* b) { return a->assign.fence() < b->assign.fence(); });
  for (Work* work : waiting) {
    if (running++ >= traits_.slots) return;
    work->running = true;
    go_on(*work, milliseconds(1), &SimWorker::begin);
  }
}

void SimWorker::cancel(const v1::CancelJob& cancel) {
  Work* work = find(cancel.lease_id());
  if (work == nullptr || work->stop) return;
  work->stop = cancel.reason();
  if (!work->running || work->stuck) fail(*work, cancel.reason(), "stopped");
}

void SimWorker::abandon(const v1::Abandon& abandon) {
  Work* work = find(abandon.lease_id());
  if (work == nullptr) return;
  if (work->publication) work->publication->discard();
  works_.erase(abandon.lease_id());
  fill_slots();
}

void SimWorker::go_on(Work& work, Duration delay, void (SimWorker::*next)(Work&)) {
  const std::string id = work.assign.lease_id();
  later(delay, [this, id, next] {
    Work* found = find(id);
    if (found == nullptr) return;
    if (found->stop && !found->on_record) return fail(*found, *found->stop, "stopped");
    if (faults(*found)) return;
    (this->*next)(*found);
  });
}

/// The weather strikes between any two stages of a job.
bool SimWorker::faults(Work& work) {
  if (world_.chance(world_.weather().crash_worker)) {
    crash("by chance");
    return true;
  }
  if (world_.chance(world_.weather().freeze_worker)) {
    const std::string id = work.assign.lease_id();
    freeze(world_.random().between(seconds(1), seconds(40)));
  }
  return false;
}

void SimWorker::begin(Work& work) {
  if (recover(work)) return;
  for (const auto& output : outputs_of(work)) {
    const std::vector<std::int64_t> dead(work.assign.dead_fences().begin(),
                                         work.assign.dead_fences().end());
    sweep_parts(*output.files, output.final_name, dead).IgnoreError();
  }
  load(work);
}

/// An earlier attempt may have published, or nearly so: then there is nothing to compute.
bool SimWorker::recover(Work& work) {
  for (const v1::RecordedIntent& intent : work.assign.intents()) {
    RecordedPublication recorded{.fence = intent.fence(), .outputs = {}};
    for (const v1::OutputFile& output : intent.outputs()) {
      recorded.outputs.push_back({output.path(), {output.size_bytes(), output.sha256()}});
    }
    const auto found =
        recover_publication(outputs_of(work), recorded, work.assign.spec().overwrite());
    if (!found.ok() || !*found) continue;
    v1::Finished finished;
    finished.set_succeeded(true);
    finished.set_recovered_fence(intent.fence());
    *finished.mutable_outputs() = intent.outputs();
    end(work, std::move(finished));
    return true;
  }
  return false;
}

void SimWorker::load(Work& work) {
  const std::string& key = work.assign.plan().response_key();
  const bool hit = key.empty() || resident_.contains(key);
  if (!key.empty()) resident_.insert(key);
  v1::WorkerMessage message;
  message.mutable_started()->set_lease_id(work.assign.lease_id());
  message.mutable_started()->set_fence(work.assign.fence());
  message.mutable_started()->set_response_hit(hit);
  send(message);
  work.loading = false;
  go_on(work, hit ? milliseconds(1) : milliseconds(500), &SimWorker::compute);
}

void SimWorker::compute(Work& work) {
  const v1::ProbeSpec& probe = work.assign.spec().probe();
  const bool strikes =
      probe.fault_attempts() == 0 || work.assign.attempt() <= probe.fault_attempts();
  work.fraction += 0.25;
  if (strikes && work.fraction > 0.4) {
    switch (probe.fault()) {
      case v1::ProbeSpec::FAULT_CRASH:
        world_.invariants().killed_worker(work.assign.job_id(), world_.scheduler_restarts());
        return crash("by a poison job");
      case v1::ProbeSpec::FAULT_HANG:
        work.stuck = true;
        return;
      case v1::ProbeSpec::FAULT_ENGINE_ERROR:
        return fail(work, v1::ERROR_CLASS_ENGINE_ERROR, "probe");
      case v1::ProbeSpec::FAULT_INPUT_ERROR:
        return fail(work, v1::ERROR_CLASS_INPUT_ERROR, "probe");
      case v1::ProbeSpec::FAULT_OUT_OF_MEMORY:
        return fail(work, v1::ERROR_CLASS_OUT_OF_MEMORY, "probe");
      default:
        break;
    }
  }
  const Duration step =
      milliseconds(probe.run().nanos() / 1'000'000 + probe.run().seconds() * 1000);
  go_on(work, step / 4, work.fraction < 1 ? &SimWorker::compute : &SimWorker::write);
}

std::vector<Publication::Output> SimWorker::outputs_of(const Work& work) const {
  const std::string& name = work.assign.spec().probe().output();
  if (name.empty()) return {};
  return {{world_.shared_folder(), name, absl::StrCat("out:", name)}};
}

void SimWorker::write(Work& work) {
  const std::string& name = work.assign.spec().probe().output();
  if (name.empty()) {
    v1::Finished finished;
    finished.set_succeeded(true);
    return end(work, std::move(finished));
  }
  // Half of the jobs compute the same bits in every attempt, as the real engines do.
  const bool same_bits = work.assign.spec().probe().output_bytes() == 1;
  const std::string digest = same_bits ? name : absl::StrCat(name, " by ", work.assign.fence());
  Folder::File part;
  part.content.size_bytes = 1;
  part.content.sha256 = digest;
  part.job = work.assign.job_id();
  part.fence = work.assign.fence();
  const absl::Status written =
      world_.folder().write(part_name(name, work.assign.fence()), std::move(part));
  if (!written.ok()) return fail(work, written);
  work.publication = std::make_unique<Publication>(
      outputs_of(work), work.assign.fence(), work.assign.spec().overwrite(),
      Publication::Hooks{
          .verify = [](const auto&, const auto&) { return absl::OkStatus(); },
          .intent = [](const auto&) { return absl::OkStatus(); },  // publish() has asked
          .lease_alive = [&work] { return work.alive_when_asked; }});
  publish(work);
}

/// One step of the publication, or the question that precedes it.
void SimWorker::publish(Work& work) {
  switch (work.publication->next()) {
    case Publication::Step::kIntent:
      if (server::sabotage::kRenameBeforeIntent || work.on_record) break;
      return ask(work);
    case Publication::Step::kRename:
      // The check of the lease and the rename are two moments: a freeze may fall between.
      work.alive_when_asked = world_.now().monotonic < work.valid_until;
      return go_on(work, milliseconds(5), &SimWorker::publish_step);
    case Publication::Step::kDone: {
      if (server::sabotage::kRenameBeforeIntent && !work.on_record) return ask(work);
      v1::Finished finished;
      finished.set_succeeded(true);
      for (const auto& output : work.publication->published()) {
        v1::OutputFile& file = *finished.add_outputs();
        file.set_path(output.rooted_path);
        file.set_size_bytes(output.content.size_bytes);
        file.set_sha256(output.content.sha256);
      }
      return end(work, std::move(finished));
    }
    default:
      break;
  }
  publish_step(work);
}

void SimWorker::publish_step(Work& work) {
  if (const absl::Status status = work.publication->step(); !status.ok()) return fail(work, status);
  go_on(work, world_.random().between(milliseconds(1), milliseconds(50)), &SimWorker::publish);
}

void SimWorker::ask(Work& work) {
  work.asked = true;
  v1::WorkerMessage message;
  v1::PublishIntent& intent = *message.mutable_publish_intent();
  intent.set_lease_id(work.assign.lease_id());
  intent.set_job_id(work.assign.job_id());
  intent.set_fence(work.assign.fence());
  for (const auto& output : work.publication->published()) {
    v1::OutputFile& file = *intent.add_outputs();
    file.set_path(output.rooted_path);
    file.set_size_bytes(output.content.size_bytes);
    file.set_sha256(output.content.sha256);
  }
  send(message);
}

void SimWorker::granted(const v1::PublishGrant& grant) {
  Work* work = find(grant.lease_id());
  if (work == nullptr || !work->publication || work->on_record) return;
  if (!grant.granted()) return fail(*work, absl::AbortedError(grant.reason()));
  work->on_record = true;
  publish(*work);
}

void SimWorker::fail(Work& work, const absl::Status& status) {
  fail(work, absl::IsAborted(status) ? v1::ERROR_CLASS_PREEMPTED : v1::ERROR_CLASS_OUTPUT_ERROR,
       std::string(status.message()));
}

void SimWorker::fail(Work& work, v1::ErrorClass error_class, const std::string& message) {
  if (work.publication) {
    work.alive_when_asked = false;
    work.publication->discard();
  }
  v1::Finished finished;
  finished.set_error_class(error_class);
  finished.set_message(message);
  end(work, std::move(finished));
}

void SimWorker::end(Work& work, v1::Finished finished) {
  finished.set_lease_id(work.assign.lease_id());
  finished.set_job_id(work.assign.job_id());
  finished.set_fence(work.assign.fence());
  const std::string id = work.assign.lease_id();
  unacknowledged_[id] = finished;
  works_.erase(id);
  v1::WorkerMessage message;
  *message.mutable_finished() = std::move(finished);
  send(message);
  fill_slots();
}

}  // namespace unfold::simulation
