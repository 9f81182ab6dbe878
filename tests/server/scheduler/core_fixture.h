#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "server/jobs/memory_job_store.h"
#include "server/scheduler/core.h"

namespace unfold::server {

/// Numbers as 32 characters, of which the first 16 differ.
class CountingIds final : public IdSource {
 public:
  std::string uuid() override {
    const std::string digits = std::to_string(++last_);
    std::string id(16 - digits.size(), '0');
    id += digits;
    return id.append(16, 'f');
  }

 private:
  int last_ = 0;
};

inline NewJob probe_job(const std::string& submitter = "ana") {
  NewJob job;
  job.spec.mutable_probe();
  job.plan.set_run_seconds(1);
  job.engine = "probe";
  job.submitter = submitter;
  job.source = "test";
  return job;
}

/// A Core over a memory store with a clock that only the test moves. Every step's writes are
/// committed before its sends are looked at, as the loop does.
class CoreFixture : public ::testing::Test {
 protected:
  CoreFixture() { restart(); }

  Effects step(const Event& event) {
    Effects effects = core->step(event, now);
    EXPECT_TRUE(store.commit(effects.writes, effects.log).ok());
    for (const Send& send : effects.sends) inbox[send.session].push_back(send.message);
    for (const CloseSession& close : effects.closes) closed.push_back(close.session);
    return effects;
  }

  void restart() {
    auto snapshot = store.load();
    ASSERT_TRUE(snapshot.ok());
    core.emplace(config, *std::move(snapshot), ids, now);
  }

  void advance(Duration by) {
    now.monotonic += by;
    now.unix_ns += by.count();
  }
  void pass(Duration by) {
    advance(by);
    step(Tick{});
  }

  absl::StatusOr<v1::Job> try_submit(const NewJob& job) {
    const Effects effects = step(SubmitJobs{.token = 1,
                                            .jobs = {job},
                                            .exposure = {},
                                            .exposure_request_id = "",
                                            .exposure_request_digest = ""});
    if (!effects.replies.at(0).body.ok()) return effects.replies.at(0).body.status();
    return std::get<SubmitReply>(*effects.replies.at(0).body).jobs.at(0);
  }
  std::string submit(const NewJob& job) {
    const auto submitted = try_submit(job);
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    return submitted.ok() ? submitted->id() : "";
  }

  static v1::Hello hello_of(const std::string& worker, const std::string& incarnation) {
    v1::Hello hello;
    hello.set_worker(worker);
    hello.set_incarnation(incarnation);
    hello.add_engines("probe");
    hello.set_slots(1);
    hello.set_device("cpu");
    return hello;
  }
  void say(SessionId session, const v1::Hello& hello) {
    v1::WorkerMessage message;
    *message.mutable_hello() = hello;
    step(SessionMessage{session, message});
  }
  void connect(SessionId session, const std::string& worker,
               const std::string& incarnation = "first") {
    say(session, hello_of(worker, incarnation));
  }

  static v1::HeldLease held(const v1::Assign& assign) {
    v1::HeldLease lease;
    lease.set_lease_id(assign.lease_id());
    lease.set_job_id(assign.job_id());
    lease.set_fence(assign.fence());
    return lease;
  }
  void heartbeat(SessionId session, const std::vector<v1::HeldLease>& leases) {
    v1::WorkerMessage message;
    message.mutable_heartbeat()->mutable_held_leases()->Assign(leases.begin(), leases.end());
    step(SessionMessage{session, message});
  }
  void start(SessionId session, const v1::Assign& assign) {
    v1::WorkerMessage message;
    message.mutable_started()->set_lease_id(assign.lease_id());
    message.mutable_started()->set_fence(assign.fence());
    step(SessionMessage{session, message});
  }
  bool ask_to_publish(SessionId session, const v1::Assign& assign) {
    v1::WorkerMessage message;
    v1::PublishIntent& intent = *message.mutable_publish_intent();
    intent.set_lease_id(assign.lease_id());
    intent.set_job_id(assign.job_id());
    intent.set_fence(assign.fence());
    intent.add_outputs()->set_path("out:product");
    step(SessionMessage{session, message});
    return last(session).publish_grant().granted();
  }
  v1::Finished outcome(const v1::Assign& assign) {
    v1::Finished finished;
    finished.set_lease_id(assign.lease_id());
    finished.set_job_id(assign.job_id());
    finished.set_fence(assign.fence());
    return finished;
  }
  Effects finish(SessionId session, const v1::Finished& finished) {
    v1::WorkerMessage message;
    *message.mutable_finished() = finished;
    return step(SessionMessage{session, message});
  }
  Effects succeed(SessionId session, const v1::Assign& assign) {
    v1::Finished finished = outcome(assign);
    finished.set_succeeded(true);
    return finish(session, finished);
  }
  Effects fail(SessionId session, const v1::Assign& assign, v1::ErrorClass error_class) {
    v1::Finished finished = outcome(assign);
    finished.set_error_class(error_class);
    finished.set_message("as the test wants");
    return finish(session, finished);
  }

  const v1::SchedulerMessage& last(SessionId session) { return inbox[session].back(); }
  /// The last assignment sent to a session, if any.
  std::optional<v1::Assign> assigned(SessionId session) {
    const auto& messages = inbox[session];
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
      if (message->has_assign()) return message->assign();
    }
    return std::nullopt;
  }
  int count(SessionId session, v1::SchedulerMessage::MessageCase kind) {
    int n = 0;
    for (const auto& message : inbox[session]) n += message.message_case() == kind ? 1 : 0;
    return n;
  }
  v1::Job job(const std::string& id) {
    auto found = store.get(id);
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? *found : v1::Job();
  }
  v1::JobState state(const std::string& id) { return job(id).state(); }

  CoreConfig config;
  MemoryJobStore store;
  CountingIds ids;
  Time now{.monotonic = std::chrono::hours(1), .unix_ns = 1'795'000'000'000'000'000};
  std::optional<Core> core;
  std::map<SessionId, std::vector<v1::SchedulerMessage>> inbox;
  std::vector<SessionId> closed;
};

}  // namespace unfold::server
