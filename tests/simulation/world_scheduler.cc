#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/simulation/worker.h"
#include "tests/simulation/world.h"

// The scheduler's process, and the network between it and the workers.
namespace unfold::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

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
