#include <algorithm>

#include "absl/strings/str_cat.h"
#include "server/jobs/sabotage.h"
#include "server/scheduler/core_state.h"

namespace unfold::server {
namespace {

void set(google::protobuf::Duration* out, Duration duration) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(duration);
  out->set_seconds(whole.count());
  out->set_nanos(static_cast<std::int32_t>((duration - whole).count()));
}

void take_residency(WorkerRecord& worker,
                    const google::protobuf::RepeatedPtrField<v1::Residency>& residency) {
  worker.residency.clear();
  for (const v1::Residency& one : residency) {
    v1::Residency& kept = worker.residency[one.key()];
    kept = one;
    kept.set_worker(worker.name);
    kept.set_device(worker.hello.device());
  }
}

/// A sign that the attempt computes, should its Started be lost with a session.
bool computes(const v1::HeldLease& held) {
  return !held.loading() && (held.progress().fraction() > 0 || held.progress().done() > 0);
}

}  // namespace

v1::SchedulerMessage& Core::State::send(SessionId session) {
  return fx.sends.emplace_back(Send{session, {}}).message;
}

void Core::State::abandon(SessionId session, const std::string& lease_id, std::int64_t fence,
                          const std::string& why) {
  v1::Abandon& message = *send(session).mutable_abandon();
  message.set_lease_id(lease_id);
  message.set_fence(fence);
  message.set_reason(why);
}

void Core::State::handle(const SessionMessage& event) {
  if (event.message.has_hello()) return hello(event.session, event.message.hello());
  WorkerRecord* worker = fleet.by_session(event.session);
  if (worker == nullptr) {
    fx.closes.push_back({event.session, "say Hello first"});
    return;
  }
  switch (event.message.message_case()) {
    case v1::WorkerMessage::kHeartbeat:
      return heartbeat(*worker, event.message.heartbeat());
    case v1::WorkerMessage::kStarted:
      return started(*worker, event.message.started());
    case v1::WorkerMessage::kPublishIntent:
      return publish_intent(*worker, event.message.publish_intent());
    case v1::WorkerMessage::kFinished:
      return finished(*worker, event.message.finished());
    default:
      return;  // of a newer build
  }
}

void Core::State::handle(const SessionClosed& event) {
  WorkerRecord* worker = fleet.by_session(event.session);
  if (worker == nullptr) return;
  const std::string name = worker->name;
  fleet.unbind_session(event.session);
  forget_if_gone(name);  // its leases live until they end: it may come back
}

void Core::State::drop_session(WorkerRecord& worker, const std::string& why) {
  if (worker.session == 0) return;
  fx.closes.push_back({worker.session, why});
  fleet.unbind_session(worker.session);
}

void Core::State::forget_if_gone(const std::string& name) {
  const WorkerRecord* worker = fleet.worker(name);
  if (worker != nullptr && worker->session == 0 && worker->jobs.empty()) fleet.erase_worker(name);
}

void Core::State::hello(SessionId session, const v1::Hello& hello) {
  if (hello.worker().empty() || hello.incarnation().empty() || hello.slots() < 1) {
    fx.closes.push_back({session, "a Hello needs a name, an incarnation and at least one slot"});
    return;
  }
  const std::pair<std::string, std::string> identity{hello.worker(), hello.incarnation()};
  if (std::find(replaced.begin(), replaced.end(), identity) != replaced.end()) {
    for (const v1::HeldLease& held : hello.held_leases()) {
      abandon(session, held.lease_id(), held.fence(), "a newer process has this worker's name");
    }
    fx.closes.push_back({session, "a newer process has this worker's name"});
    return;
  }
  if (WorkerRecord* known = fleet.worker(hello.worker())) {
    if (known->incarnation != hello.incarnation()) replace_incarnation(*known);
  }
  WorkerRecord& worker = fleet.add_worker(hello.worker(), hello.incarnation());
  if (worker.session != session) drop_session(worker, "a newer session of the same worker");
  fleet.bind_session(session, worker);
  worker.hello = hello;
  worker.hello.clear_residency();
  worker.hello.clear_held_leases();
  worker.hello.clear_workspace();
  worker.hello.clear_health();
  worker.last_heartbeat = now.monotonic;
  worker.connected_unix_ns = now.unix_ns;
  worker.draining = draining.contains(worker.name);
  worker.health = hello.health();
  worker.hangs = hangs.verdict(worker.gpu());
  worker.workspace = hello.workspace();
  take_residency(worker, hello.residency());
  set_timer(now.monotonic + config.lease, TimerKind::kSilence, worker.name,
            static_cast<std::int64_t>(session));

  v1::Welcome welcome;
  set(welcome.mutable_heartbeat(), config.heartbeat);
  set(welcome.mutable_lease(), config.lease);
  const std::size_t place = fx.sends.size();
  send(session);  // Welcome goes out before what attach() sends
  attach(worker, hello, welcome);
  if (worker.cordoned()) cordon(worker);
  *fx.sends[place].message.mutable_welcome() = welcome;
  if (worker.draining) send(session).mutable_drain();
  promote(worker);
  unpark();
}

/// The process behind this name is gone: what it held ends now.
void Core::State::replace_incarnation(WorkerRecord& worker) {
  constexpr std::size_t kRemembered = 1024;
  const std::string name = worker.name;
  replaced.emplace_back(name, worker.incarnation);
  if (replaced.size() > kRemembered) replaced.pop_front();
  drop_session(worker, "a newer process has this worker's name");
  for (const std::string& job : std::set<std::string>(worker.jobs)) {
    lose_lease(job, "its worker process died", true);
  }
  fleet.erase_worker(name);
}

/// A worker that is back within its leases keeps them: no attempt is charged.
void Core::State::attach(WorkerRecord& worker, const v1::Hello& hello, v1::Welcome& welcome) {
  std::set<std::string> held_jobs;
  for (const v1::HeldLease& held : hello.held_leases()) {
    const Lease* lease = valid_lease(worker, held.lease_id(), held.fence());
    if (lease == nullptr) {
      abandon(worker.session, held.lease_id(), held.fence(), "the lease ended");
      continue;
    }
    held_jobs.insert(held.job_id());
    welcome.add_adopted_leases(held.lease_id());
    renew(worker, held);
  }
  for (const std::string& job : worker.jobs) {
    Lease& lease = *fleet.lease(job);
    lease.restored = false;
    if (lease.stop) stop(lease, *lease.stop);  // the order may have been lost
    const bool published = find(job)->job.state() == v1::JOB_STATE_PUBLISHING;
    if (held_jobs.contains(job) || lease.confirmed || published) continue;
    // The assignment was lost with the old session; its Finished, if any, comes right now.
    lease.lost_assign = true;
    lease.expires = std::min(lease.expires, now.monotonic + 2 * config.heartbeat);
    set_timer(lease.expires, TimerKind::kLease, job);
  }
}

void Core::State::heartbeat(WorkerRecord& worker, const v1::Heartbeat& heartbeat) {
  worker.last_heartbeat = now.monotonic;
  worker.leaving = worker.leaving || heartbeat.draining();
  take_residency(worker, heartbeat.residency());
  worker.workspace = heartbeat.workspace();
  const bool was_cordoned = worker.cordoned();
  if (heartbeat.has_health()) worker.health = heartbeat.health();
  if (worker.cordoned() && !was_cordoned) cordon(worker);
  for (const v1::HeldLease& held : heartbeat.held_leases()) renew(worker, held);
  send(worker.session).mutable_heartbeat_ack()->set_sequence(heartbeat.sequence());
}

void Core::State::renew(WorkerRecord& worker, const v1::HeldLease& held) {
  Lease* lease = valid_lease(worker, held.lease_id(), held.fence());
  if (lease == nullptr) {
    return abandon(worker.session, held.lease_id(), held.fence(), "the lease ended");
  }
  lease->confirmed = true;
  lease->restored = false;
  lease->lost_assign = false;
  const Duration until = now.monotonic + config.lease;
  lease->expires = std::max(lease->expires, lease->stop ? std::min(until, lease->stop_by) : until);
  LiveJob& live = *find(lease->row.job_id);
  if (computes(held)) start_attempt(live, *lease, {});
  if (held.has_progress()) change(live, Progressed{held.progress()});
}

Lease* Core::State::valid_lease(const WorkerRecord& worker, const std::string& lease_id,
                                std::int64_t fence) {
  for (const std::string& job : worker.jobs) {
    Lease* lease = fleet.lease(job);
    if (lease->row.lease_id == lease_id && lease->row.fence == fence) return lease;
  }
  return nullptr;
}

void Core::State::started(WorkerRecord& worker, const v1::Started& started) {
  Lease* lease = valid_lease(worker, started.lease_id(), started.fence());
  if (lease == nullptr) {
    return abandon(worker.session, started.lease_id(), started.fence(), "the lease ended");
  }
  AttemptStarted start{started.response_hit(), started.load_seconds()};
  if (started.has_start_seconds()) start.start_seconds = started.start_seconds();
  if (started.has_idle_seconds()) start.idle_seconds = started.idle_seconds();
  start_attempt(*find(lease->row.job_id), *lease, start);
}

void Core::State::publish_intent(WorkerRecord& worker, const v1::PublishIntent& intent) {
  const Lease* lease = valid_lease(worker, intent.lease_id(), intent.fence());
  v1::PublishGrant& grant = *send(worker.session).mutable_publish_grant();
  grant.set_lease_id(intent.lease_id());
  grant.set_fence(intent.fence());
  LiveJob* live = find(intent.job_id());
  const bool holds = lease != nullptr && lease->row.job_id == intent.job_id();
  if (!holds && !sabotage::kSkipFenceCheck) {
    ++totals.fenced_publishes_total;
    grant.set_reason("the lease ended: a newer assignment may own this product");
    if (live != nullptr) {
      log(live->job, "warning",
          absl::StrCat("refused to publish under fence ", intent.fence(), ": its lease ended"),
          worker.name);
    }
    return;
  }
  if (holds && lease->stop) {
    grant.set_reason("the job is being stopped");
    return;
  }
  grant.set_granted(true);
  IntentRow row{.job_id = intent.job_id(),
                .fence = intent.fence(),
                .outputs = {intent.outputs().begin(), intent.outputs().end()}};
  if (live != nullptr) {
    std::erase_if(live->intents, [&](const IntentRow& old) { return old.fence == row.fence; });
    live->intents.push_back(row);
    if (holds) {
      change(*live, IntentRecorded{});
      log(live->job, "info", "publishing", worker.name);
    }
  }
  fx.writes.emplace_back(PutIntent{std::move(row)});
}

void Core::State::finished(WorkerRecord& worker, const v1::Finished& finished) {
  // Acknowledged whatever it says: either the outcome is durable before this leaves, or it was
  // before, or the attempt does not count any more. Either way the worker may forget it.
  v1::FinishedAck& ack = *send(worker.session).mutable_finished_ack();
  ack.set_lease_id(finished.lease_id());
  ack.set_fence(finished.fence());
  const Lease* lease = valid_lease(worker, finished.lease_id(), finished.fence());
  if (lease == nullptr) return;
  LiveJob& live = *find(lease->row.job_id);
  for (const std::string& line : finished.log()) log(live.job, "info", line, worker.name);
  const std::int64_t product =
      finished.recovered_fence() != 0 ? finished.recovered_fence() : finished.fence();
  const bool on_record =
      finished.outputs_size() == 0 ||
      std::any_of(live.intents.begin(), live.intents.end(),
                  [&](const IntentRow& intent) { return intent.fence == product; });
  if (finished.succeeded() && (on_record || sabotage::kRenameBeforeIntent)) {
    return succeed(live, finished);
  }
  AttemptFailed failure{.error_class = finished.error_class(),
                        .message = finished.message(),
                        .seconds = {finished.seconds().begin(), finished.seconds().end()}};
  if (finished.succeeded()) {
    failure.error_class = v1::ERROR_CLASS_ENGINE_ERROR;
    failure.message = "the worker reported a product that is not on record";
  }
  const bool device_failed = failure.error_class == v1::ERROR_CLASS_DEVICE_ERROR;
  if (device_failed) {
    ++totals.device_errors_total[{worker.hello.host(), worker.hello.device()}];
    worker.leaving = worker.leaving || !worker.cordoned();  // its process starts anew
  }
  const bool cordons = finished.stuck() && is_gpu(worker.device_of(live.job.engine())) &&
                       count_hang(*lease, failure);
  const bool gave_back = failure.error_class == v1::ERROR_CLASS_CANCELLED ||
                         failure.error_class == v1::ERROR_CLASS_PREEMPTED;
  if ((gave_back || device_failed) && lease->stop) failure.error_class = *lease->stop;
  if (gave_back && !lease->stop) {
    failure.error_class = v1::ERROR_CLASS_PREEMPTED;
    worker.leaving = true;  // it would only give the next one back too
  }
  fail_attempt(live, std::move(failure));
  if (cordons) cordon(worker);
}

}  // namespace unfold::server
