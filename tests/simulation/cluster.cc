#include "tests/simulation/cluster.h"

#include "tests/simulation/protocol.h"

namespace unfold::simulation {
namespace {

constexpr Duration kLease = std::chrono::seconds(15);
constexpr Duration kLeaseEnd = std::chrono::seconds(16);

}  // namespace

Cluster::Cluster(int jobs) {
  for (int i = 0; i < kWorkers; ++i) invariants_.add_worker(name(i), {1, INT64_MAX});
  core_.emplace(server::CoreConfig{}, server::Snapshot{}, ids_, now_);
  for (int i = 0; i < jobs; ++i) submit(i);
  for (int i = 0; i < kWorkers; ++i) hello(i);
}

std::vector<Action> Cluster::enabled() const {
  std::vector<Action> actions;
  for (int i = 0; i < kWorkers; ++i) {
    const Member& member = members_[static_cast<std::size_t>(i)];
    if (!member.inbox.empty()) actions.push_back({Kind::kRead, i});
    if (member.stage != Stage::kIdle && member.stage != Stage::kWaitGrant) {
      actions.push_back({Kind::kWork, i});
    }
    if (member.may_crash && member.stage != Stage::kIdle) actions.push_back({Kind::kCrash, i});
  }
  if (times_ > 0) actions.push_back({Kind::kTime, 0});
  if (restarts_ > 0) actions.push_back({Kind::kRestart, 0});
  return actions;
}

void Cluster::perform(Action action) {
  switch (action.kind) {
    case Kind::kRead:
      read(action.worker);
      break;
    case Kind::kWork:
      work(action.worker);
      break;
    case Kind::kCrash:
      crash(action.worker);
      break;
    case Kind::kTime:
      --times_;
      now_.monotonic += kLeaseEnd;
      now_.unix_ns += kLeaseEnd.count();
      post(server::Tick{});
      break;
    case Kind::kRestart:
      restart();
      break;
  }
  invariants_.check_files();
}

std::string Cluster::fingerprint() const {
  std::string out = absl::StrCat(times_, restarts_, now_.monotonic.count(), ";");
  for (const auto& [id, job] : invariants_.jobs()) {
    v1::Job plain = job;
    plain.clear_revision();
    absl::StrAppend(&out, plain.SerializeAsString(), ";");
  }
  for (const auto& [file, content] : files_->files()) {
    absl::StrAppend(&out, file, ":", content.fence, ";");
  }
  for (const Member& member : members_) {
    absl::StrAppend(&out, static_cast<int>(member.stage), member.life, member.may_crash,
                    member.alive_when_checked, member.valid_until.count(),
                    member.assign.lease_id());
    for (const Letter& letter : member.inbox) out += letter.message.SerializeAsString();
  }
  for (const v1::Worker& worker : core_->workers(now_)) out += worker.SerializeAsString();
  for (const auto& [id, job] : invariants_.jobs()) {
    if (const auto why = core_->explain(id, now_); why.ok()) out += why->SerializeAsString();
  }
  return out;
}

void Cluster::submit(int number) {
  server::NewJob job;
  job.engine = "probe";
  job.submitter = "someone";
  job.request_id = absl::StrCat("request", number);
  job.spec.mutable_probe()->set_output(absl::StrCat("product", number));
  post(server::SubmitJobs{.token = 1,
                          .jobs = {job},
                          .exposure = {},
                          .exposure_request_id = "",
                          .exposure_request_digest = ""});
}

void Cluster::post(const server::Event& event) {
  const server::Effects effects = core_->step(event, now_);
  for (const server::StoreWrite& write : effects.writes) {
    if (const auto* put = std::get_if<server::PutLease>(&write)) check_exclusive(put->lease);
  }
  if (!store_.commit(effects.writes, effects.log).ok()) invariants_.fail("a commit was refused");
  invariants_.committed(effects.writes);
  for (const server::Send& send : effects.sends) {
    for (Member& one : members_) {
      if (one.session == send.session) one.inbox.push_back({send.message, now_.monotonic});
    }
  }
}

void Cluster::check_exclusive(const server::LeaseRow& lease) {
  for (const Member& one : members_) {
    const bool holds = one.stage != Stage::kIdle && one.assign.job_id() == lease.job_id &&
                       one.assign.fence() != lease.fence && now_.monotonic < one.valid_until;
    if (holds) invariants_.fail("a job was assigned while another worker's lease was alive");
  }
}

void Cluster::hello(int worker) {
  Member& one = member(worker);
  one.session = ++sessions_;
  one.inbox.clear();
  v1::WorkerMessage message;
  v1::Hello& hello = *message.mutable_hello();
  hello.set_worker(name(worker));
  hello.set_incarnation(absl::StrCat("life", one.life));
  hello.add_engines("probe");
  hello.set_slots(1);
  if (one.stage != Stage::kIdle) {
    v1::HeldLease& held = *hello.add_held_leases();
    held.set_lease_id(one.assign.lease_id());
    held.set_job_id(one.assign.job_id());
    held.set_fence(one.assign.fence());
  }
  post(server::SessionMessage{one.session, message});
  if (one.stage == Stage::kWaitGrant) one.stage = Stage::kAsk;
}

void Cluster::crash(int worker) {
  Member& one = member(worker);
  one.may_crash = false;
  one.stage = Stage::kIdle;
  one.publication.reset();
  ++one.life;
  post(server::SessionClosed{one.session});
  hello(worker);
}

void Cluster::restart() {
  --restarts_;
  core_.emplace(server::CoreConfig{}, *store_.load(), ids_, now_);
  for (int i = 0; i < kWorkers; ++i) hello(i);
}

void Cluster::read(int worker) {
  Member& one = member(worker);
  const Letter letter = std::move(one.inbox.front());
  one.inbox.pop_front();
  const v1::SchedulerMessage& message = letter.message;
  if (message.has_assign()) {
    if (one.stage != Stage::kIdle) return give_back(worker, message.assign());
    one.assign = message.assign();
    one.valid_until = letter.sent + kLease;
    one.stage = Stage::kBegin;
  } else if (message.has_abandon() && message.abandon().lease_id() == one.assign.lease_id()) {
    if (one.publication && one.stage != Stage::kIdle) discard(one);
    one.stage = Stage::kIdle;
  } else if (message.has_publish_grant() && one.stage == Stage::kWaitGrant &&
             message.publish_grant().lease_id() == one.assign.lease_id()) {
    if (!message.publish_grant().granted()) return report(worker, false, 0);
    one.stage = Stage::kCheck;
  } else if (message.has_welcome()) {
    for (const std::string& id : message.welcome().adopted_leases()) {
      if (id == one.assign.lease_id()) one.valid_until = letter.sent + kLease;
    }
  }
}

void Cluster::work(int worker) {
  Member& one = member(worker);
  switch (one.stage) {
    case Stage::kBegin:
      return begin(worker);
    case Stage::kWrite:
      return write(worker);
    case Stage::kAsk:
      one.stage = Stage::kWaitGrant;
      return ask(worker);
    case Stage::kCheck:
      one.alive_when_checked = now_.monotonic < one.valid_until;
      one.stage = Stage::kRename;
      return;
    case Stage::kRename:
      if (!one.publication->step().ok()) return report(worker, false, 0);
      one.stage = Stage::kReport;
      return;
    case Stage::kReport:
      return report(worker, true, 0);
    default:
      return;
  }
}

std::vector<Publication::Output> Cluster::outputs(const v1::Assign& assign) const {
  const std::string& file = assign.spec().probe().output();
  return {{files_, file, absl::StrCat("out:", file)}};
}

void Cluster::begin(int worker) {
  Member& one = member(worker);
  for (const v1::RecordedIntent& intent : one.assign.intents()) {
    if (*recover_publication(outputs(one.assign), recorded(intent), false)) {
      return report(worker, true, intent.fence());
    }
  }
  const std::vector<std::int64_t> dead(one.assign.dead_fences().begin(),
                                       one.assign.dead_fences().end());
  sweep_parts(*files_, one.assign.spec().probe().output(), dead).IgnoreError();
  one.stage = Stage::kWrite;
}

void Cluster::write(int worker) {
  Member& one = member(worker);
  const std::string& file = one.assign.spec().probe().output();
  Folder::File part;
  part.content.sha256 = absl::StrCat(file, " by ", one.assign.fence());
  part.job = one.assign.job_id();
  part.fence = one.assign.fence();
  files_->write(part_name(file, part.fence), part).IgnoreError();
  one.publication = std::make_unique<Publication>(
      outputs(one.assign), one.assign.fence(), false,
      Publication::Hooks{.verify = [](const auto&, const auto&) { return absl::OkStatus(); },
                         .intent = [](const auto&) { return absl::OkStatus(); },
                         .lease_alive = [&one] { return one.alive_when_checked; }});
  const bool written = one.publication->step().ok() && one.publication->step().ok();
  if (!written) return report(worker, false, 0);
  one.stage = Stage::kAsk;
}

void Cluster::ask(int worker) {
  Member& one = member(worker);
  if (one.publication->next() == Publication::Step::kIntent) one.publication->step().IgnoreError();
  v1::WorkerMessage message;
  v1::PublishIntent& intent = *message.mutable_publish_intent();
  intent.set_lease_id(one.assign.lease_id());
  intent.set_job_id(one.assign.job_id());
  intent.set_fence(one.assign.fence());
  add_outputs(*one.publication, intent);
  post(server::SessionMessage{one.session, message});
}

void Cluster::discard(Member& one) {
  one.alive_when_checked = false;
  one.publication->discard();
}

void Cluster::report(int worker, bool succeeded, std::int64_t recovered) {
  Member& one = member(worker);
  if (!succeeded && one.publication) discard(one);
  v1::WorkerMessage message;
  v1::Finished& finished = *message.mutable_finished();
  finished.set_lease_id(one.assign.lease_id());
  finished.set_job_id(one.assign.job_id());
  finished.set_fence(one.assign.fence());
  finished.set_succeeded(succeeded);
  finished.set_recovered_fence(recovered);
  if (!succeeded) finished.set_error_class(v1::ERROR_CLASS_OUTPUT_ERROR);
  if (recovered != 0) {
    for (const v1::RecordedIntent& intent : one.assign.intents()) {
      if (intent.fence() == recovered) *finished.mutable_outputs() = intent.outputs();
    }
  } else if (succeeded) {
    add_outputs(*one.publication, finished);
  }
  one.stage = Stage::kIdle;
  one.publication.reset();
  post(server::SessionMessage{one.session, message});
}

void Cluster::give_back(int worker, const v1::Assign& assign) {
  v1::WorkerMessage message;
  message.mutable_finished()->set_lease_id(assign.lease_id());
  message.mutable_finished()->set_fence(assign.fence());
  message.mutable_finished()->set_error_class(v1::ERROR_CLASS_ENGINE_ERROR);
  post(server::SessionMessage{member(worker).session, message});
}

}  // namespace unfold::simulation
