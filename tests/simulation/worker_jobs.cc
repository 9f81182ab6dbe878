#include <algorithm>

#include "tests/simulation/protocol.h"
#include "tests/simulation/work.h"
#include "tests/simulation/world.h"

// What a worker does with a lease until there is something to publish.
namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

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
    const auto found =
        recover_publication(outputs_of(work), recorded(intent), work.assign.spec().overwrite());
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

}  // namespace unfold::simulation
