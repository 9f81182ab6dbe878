#include "tests/simulation/world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/jobs/life_cycle.h"
#include "tests/simulation/worker.h"

namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kStorm = seconds(90);     // faults happen this long
constexpr Duration kPatience = minutes(20);  // then every job must end in this time
constexpr std::int64_t kMemory = 100;

std::string describe(const v1::WorkerMessage& message) {
  if (message.has_hello()) {
    if (message.hello().worker().empty()) return "";
    return absl::StrCat("Hello ", message.hello().incarnation(), " holding ",
                        message.hello().held_leases_size());
  }
  if (message.has_heartbeat()) return "";
  if (message.has_started()) return absl::StrCat("Started ", message.started().fence());
  if (message.has_publish_intent()) {
    return absl::StrCat("PublishIntent ", message.publish_intent().fence());
  }
  return absl::StrCat(
      "Finished ", message.finished().fence(),
      message.finished().succeeded() ? " ok" : " failed: ", message.finished().message());
}

std::string describe(const v1::SchedulerMessage& message) {
  if (message.has_assign()) {
    return absl::StrCat("Assign ", message.assign().job_id(), " fence ", message.assign().fence());
  }
  if (message.has_publish_grant()) {
    return absl::StrCat("Grant ", message.publish_grant().fence(), " ",
                        message.publish_grant().granted() ? "yes" : "no");
  }
  if (message.has_cancel()) return absl::StrCat("Cancel fence ", message.cancel().fence());
  if (message.has_abandon()) return absl::StrCat("Abandon fence ", message.abandon().fence());
  return "";
}

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

// ---- clients ----

void World::plan_clients() {
  const int jobs = 8 + random_.below(12);
  for (int i = 0; i < jobs; ++i) {
    const std::string client = absl::StrCat("client", random_.below(3));
    at(random_.between(Duration::zero(), kStorm * 3 / 4), [this, job = draw_job(client, i)] {
      ++unanswered_;
      submit(job);
      if (chance(0.1)) submit(job);  // a client that is impatient
    });
  }
}

server::NewJob World::draw_job(const std::string& client, int number) {
  server::NewJob job;
  job.submitter = client;
  job.request_id = absl::StrCat("request", number);
  job.request_digest = absl::StrCat("digest", number);
  job.engine = "probe";
  job.source = "simulation";
  v1::ProbeSpec& probe = *job.spec.mutable_probe();
  probe.mutable_run()->set_seconds(random_.below(12));
  probe.mutable_run()->set_nanos(1'000'000 * (1 + random_.below(900)));
  if (random_.chance(0.75)) probe.set_output(absl::StrCat("product", number));
  probe.set_output_bytes(random_.below(2));
  if (random_.chance(0.25)) {
    probe.set_fault(static_cast<v1::ProbeSpec::Fault>(1 + random_.below(5)));
    probe.set_fault_attempts(random_.below(3));
  }
  if (random_.chance(0.5)) {
    job.plan.set_response_key(absl::StrCat("psf", random_.below(3)));
    job.plan.set_response_bytes(40 + random_.below(40));
  }
  // Jobs of one key have one size: the key names the bytes.
  if (!job.plan.response_key().empty()) {
    job.plan.set_response_bytes(40 + 5 * (job.plan.response_key().back() - '0'));
  }
  job.plan.set_load_seconds(0.5);
  job.plan.set_run_seconds(static_cast<double>(probe.run().seconds()) + 0.5);
  job.spec.set_priority(random_.below(3));
  job.spec.set_overwrite(random_.chance(0.3));
  if (random_.chance(0.2)) {
    job.spec.mutable_deadline()->set_seconds(now_.unix_ns / 1'000'000'000 + 20 +
                                             random_.below(100));
  }
  if (random_.chance(0.2)) job.spec.mutable_run_timeout()->set_seconds(1 + random_.below(10));
  return job;
}

void World::submit(const server::NewJob& job) {
  const server::Token token = ++last_token_;
  const auto answered = std::make_shared<bool>(false);
  waiting_[token] = [this, answered, job](const absl::StatusOr<server::ReplyBody>& body) {
    if (!body.ok()) return;  // it will ask again
    const auto& one = std::get<server::SubmitReply>(*body).jobs.at(0);
    if (!one.ok()) return invariants_.fail(absl::StrCat("refused: ", one.status().ToString()));
    *answered = true;
    invariants_.acknowledged(one->id());
    if (chance(weather_.cancel)) {
      at(random_.between(Duration::zero(), seconds(20)), [this, id = one->id()] { cancel(id); });
    }
  };
  at(random_.between(milliseconds(1), milliseconds(50)), [this, token, job] {
    post(server::SubmitJobs{.token = token,
                            .jobs = {job},
                            .exposure = {},
                            .exposure_request_id = "",
                            .exposure_request_digest = ""});
  });
  // The client's own timeout: the same request again, until an answer comes.
  at(seconds(3), [this, answered, job, token] {
    waiting_.erase(token);
    if (!*answered) {
      submit(job);
    } else if (counted_.insert({job.submitter, job.request_id}).second) {
      --unanswered_;
    }
  });
}

void World::cancel(const std::string& job_id) {
  note(absl::StrCat("client cancels ", job_id));
  server::CancelJobRequest request{.token = ++last_token_, .job_id = job_id, .stored = {}};
  if (auto stored = store_.get(job_id); stored.ok()) request.stored = *stored;
  post(std::move(request));
}

void World::watch_for_retry() {
  for (const auto& [id, job] : invariants_.jobs()) {
    const bool failed = server::is_final(job.state()) && job.state() != v1::JOB_STATE_SUCCEEDED;
    if (failed && chance(weather_.retry * 0.2)) return retry(id);
  }
}

void World::retry(const std::string& job_id) {
  if (!core_ || core_->live_job(job_id) != nullptr) return;
  note(absl::StrCat("client retries ", job_id));
  server::RetryJobRequest request;
  request.token = ++last_token_;
  request.job_id = job_id;
  request.submitter = "client0";
  request.stored = *store_.get(job_id);
  request.stored_intents = *store_.intents(job_id);
  invariants_.retry_asked(job_id);
  post(std::move(request));
}

// ---- faults ----

void World::plan_faults() {
  for (int i = 0; i < 20; ++i) {
    at(random_.between(Duration::zero(), kStorm), [this] { watch_for_retry(); });
  }
  if (random_.chance(0.3)) {  // the output disk fills for a while
    const Duration begin = random_.between(Duration::zero(), kStorm / 2);
    at(begin, [this] { note("disk full"), folder_.full = true; });
    at(begin + random_.between(seconds(1), seconds(20)),
       [this] { note("disk has room"), folder_.full = false; });
  }
  if (random_.chance(0.3)) {  // someone sets the wall clock
    at(random_.between(Duration::zero(), kStorm), [this] {
      now_.unix_ns += random_.between(-minutes(2), minutes(2)).count();
      note("the wall clock jumps");
    });
  }
  if (weather_.crash_scheduler > 0) {
    at(random_.between(Duration::zero(), kStorm), [this] { crash_scheduler("out of the blue"); });
  }
  if (weather_.freeze_worker > 0) {
    at(random_.between(Duration::zero(), kStorm), [this] {
      const auto victim =
          static_cast<std::size_t>(random_.below(static_cast<int>(workers_.size())));
      workers_[victim]->freeze(random_.between(seconds(10), seconds(60)));
    });
  }
}

// ---- the scheduler process ----

void World::start_scheduler() {
  ++life_;
  note("scheduler starts");
  core_.emplace(server::CoreConfig{}, *store_.load(), ids_, now_);
  post(server::Tick{});
}

void World::crash_scheduler(const std::string& why) {
  if (!core_) return;
  note(absl::StrCat("scheduler dies: ", why));
  core_.reset();
  tick_at_.reset();
  ++restarts_;
  waiting_.clear();
  for (auto& [id, line] : lines_) {
    if (!line.broken) line.worker->disconnected(id);
    line.broken = true;
  }
  at(random_.between(milliseconds(100), seconds(8)), [this] { start_scheduler(); });
}

void World::post(server::Event event) {
  if (!core_) return;
  server::Effects effects = core_->step(event, now_);
  if (chance(weather_.fail_commit)) return crash_scheduler("a commit failed");
  if (chance(weather_.crash_scheduler * 0.3)) return crash_scheduler("before the commit");
  on_new_leases(effects.writes);
  if (const absl::Status status = store_.commit(effects.writes, effects.log); !status.ok()) {
    return invariants_.fail(absl::StrCat("the store refused a commit: ", status.ToString()));
  }
  invariants_.committed(effects.writes);
  if (!effects.writes.empty() && chance(weather_.crash_scheduler)) {
    return crash_scheduler("between commit and sends");
  }
  deliver(effects);
}

void World::on_new_leases(const std::vector<server::StoreWrite>& writes) {
  for (const server::StoreWrite& write : writes) {
    const auto* put = std::get_if<server::PutLease>(&write);
    if (put == nullptr) continue;
    for (const auto& worker : workers_) {
      if (!worker->holds(put->lease.job_id, put->lease.fence)) continue;
      invariants_.fail(absl::StrCat("adoption: job ", put->lease.job_id,
                                    " is assigned again (fence ", put->lease.fence, ") while ",
                                    worker->name(), " still holds it by its own clock"));
    }
  }
}

void World::deliver(server::Effects& effects) {
  for (const server::Reply& reply : effects.replies) deliver(reply);
  for (const server::Send& send : effects.sends) deliver(send);
  for (const server::CloseSession& close : effects.closes) {
    Line& line = lines_.at(close.session);
    const Duration when = std::max(line.last_down, now_.monotonic + milliseconds(1));
    line.last_down = when;
    at(when - now_.monotonic, [this, id = close.session] {
      Line& closed = lines_.at(id);
      if (!closed.broken) closed.worker->disconnected(id);
      closed.broken = true;
    });
  }
  if (effects.wake_at) schedule_tick(*effects.wake_at);
}

void World::deliver(const server::Reply& reply) {
  if (chance(weather_.lose_reply)) return;
  at(random_.between(milliseconds(1), milliseconds(50)), [this, reply] {
    const auto found = waiting_.find(reply.token);
    if (found == waiting_.end()) return;
    const auto answer = std::move(found->second);
    waiting_.erase(found);
    answer(reply.body);
  });
}

void World::schedule_tick(Duration when) {
  when = std::max(when, now_.monotonic);
  if (tick_at_ && *tick_at_ <= when && *tick_at_ > now_.monotonic) return;
  tick_at_ = when;
  at(when - now_.monotonic, [this, life = life_, when] {
    if (life != life_ || tick_at_ != when) return;
    tick_at_.reset();
    post(server::Tick{});
  });
}

// ---- the network ----

server::SessionId World::connect(SimWorker& worker) {
  if (!core_) return 0;
  const server::SessionId id = ++last_session_;
  lines_[id] = {
      .worker = &worker, .broken = false, .last_up = now_.monotonic, .last_down = now_.monotonic};
  return id;
}

void World::send(server::SessionId session, const v1::WorkerMessage& message) {
  Line& line = lines_.at(session);
  if (line.broken) return;
  if (chance(weather_.break_session)) {
    note(absl::StrCat("session ", session, " of ", line.worker->name(), " breaks"));
    line.worker->disconnected(session);
    return break_session(session);
  }
  line.last_up =
      std::max(line.last_up, now_.monotonic + random_.between(milliseconds(1), milliseconds(100)));
  at(line.last_up - now_.monotonic, [this, session, message, life = life_] {
    const Line& up = lines_.at(session);
    if (up.broken || life != life_) return;
    if (const std::string text = describe(message); !text.empty()) {
      note(absl::StrCat(up.worker->name(), " -> ", text));
    }
    post(server::SessionMessage{session, message});
  });
}

void World::deliver(const server::Send& send) {
  Line& line = lines_.at(send.session);
  if (line.broken) return;
  line.last_down = std::max(line.last_down,
                            now_.monotonic + random_.between(milliseconds(1), milliseconds(100)));
  at(line.last_down - now_.monotonic, [this, send] {
    const Line& down = lines_.at(send.session);
    if (down.broken) return;
    if (const std::string text = describe(send.message); !text.empty()) {
      note(absl::StrCat(down.worker->name(), " <- ", text));
    }
    down.worker->receive(send.session, send.message);
  });
}

/// What is on its way is lost; the scheduler learns of it soon, or much later.
void World::break_session(server::SessionId session) {
  Line& line = lines_.at(session);
  if (line.broken) return;
  line.broken = true;
  const bool reset = random_.chance(0.8);
  const Duration until =
      reset ? Duration(milliseconds(5)) : random_.between(seconds(1), seconds(30));
  at(until, [this, session, life = life_] {
    if (life == life_) post(server::SessionClosed{session});
  });
}

}  // namespace unfold::simulation
