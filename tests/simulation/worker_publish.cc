#include "absl/strings/str_cat.h"
#include "server/jobs/sabotage.h"
#include "tests/simulation/protocol.h"
#include "tests/simulation/work.h"
#include "tests/simulation/world.h"

// How a worker publishes, and how its leases end.
namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;

}  // namespace

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
      add_outputs(*work.publication, finished);
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
  add_outputs(*work.publication, intent);
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
