#include "server/scheduler/core_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "common/base/error.h"
#include "server/jobs/memory_job_store.h"
#include "tests/server/scheduler/core_fixture.h"

namespace unfold::server {
namespace {

/// A store whose commits fail on demand.
class FailingStore final : public MemoryJobStore {
 public:
  std::atomic<bool> broken = false;
  std::atomic<bool> unreadable = false;
  std::atomic<int> commits = 0;
  absl::StatusOr<v1::Job> get(const std::string& id) const override {
    if (unreadable) return absl::UnavailableError("I/O error");
    return MemoryJobStore::get(id);
  }
  absl::Status commit(const std::vector<StoreWrite>& writes,
                      const std::vector<JobEvent>& events) override {
    ++commits;
    if (broken) return absl::UnavailableError("no space left");
    return MemoryJobStore::commit(writes, events);
  }
};

class LoopTest : public ::testing::Test {
 protected:
  explicit LoopTest(CoreConfig config = {}) {
    auto started = CoreLoop::start(config, store, clock, ids,
                                   {.reply = [this](Reply reply) { keep(std::move(reply)); },
                                    .send = [this](Send) { ++sends; },
                                    .close =
                                        [this](CloseSession) {
                                          const std::lock_guard lock(mutex);
                                          ++closes;
                                          changed.notify_all();
                                        },
                                    .committed = {},
                                    .log = {},
                                    .measured = {}});
    EXPECT_TRUE(started.ok());
    loop = std::move(*started);
  }

  void keep(Reply reply) {
    const std::lock_guard lock(mutex);
    replies.emplace(reply.token, std::move(reply.body));
    changed.notify_all();
  }
  absl::StatusOr<ReplyBody> wait_for(Token token) {
    std::unique_lock lock(mutex);
    const bool came =
        changed.wait_for(lock, std::chrono::seconds(60), [&] { return replies.contains(token); });
    if (!came) return absl::DeadlineExceededError("no reply");
    return replies.at(token);
  }
  absl::StatusOr<v1::Job> submit(Token token, const std::string& request_id = "") {
    NewJob job = probe_job();
    job.request_id = request_id;
    loop->post(SubmitJobs{token, {job}, {}, "", ""});
    auto body = wait_for(token);
    if (!body.ok()) return body.status();
    return std::get<SubmitReply>(*body).jobs.at(0);
  }

  FailingStore store;
  SystemClock clock;
  CountingIds ids;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<Token, absl::StatusOr<ReplyBody>> replies;
  int closes = 0;
  std::atomic<int> sends = 0;
  std::unique_ptr<CoreLoop> loop;
};

TEST_F(LoopTest, WhatIsAnsweredIsStored) {
  const auto job = submit(1);
  ASSERT_TRUE(job.ok());
  EXPECT_TRUE(store.get(job->id()).ok());
}

TEST_F(LoopTest, EventsThatWaitShareOneCommit) {
  std::promise<void> gate;
  std::promise<void> entered;
  loop->post_read([&](const Core&, Time) {
    entered.set_value();
    gate.get_future().wait();
  });
  entered.get_future().wait();
  const int before = store.commits;
  for (Token token = 1; token <= 50; ++token) {
    loop->post(SubmitJobs{token, {probe_job()}, {}, "", ""});
  }
  gate.set_value();
  EXPECT_TRUE(wait_for(50).ok());
  EXPECT_EQ(store.commits, before + 1);
  EXPECT_EQ(store.list({})->jobs.size(), 50u);
}

TEST_F(LoopTest, AFailedCommitAnswersUnavailableAndNothingOfItRemains) {
  v1::WorkerMessage hello;
  hello.mutable_hello()->set_worker("w");
  hello.mutable_hello()->set_incarnation("i");
  hello.mutable_hello()->set_slots(1);
  loop->post(SessionMessage{1, hello});
  ASSERT_TRUE(submit(1).ok());
  store.broken = true;
  const auto refused = submit(2, "mine");
  EXPECT_TRUE(absl::IsUnavailable(refused.status())) << refused.status();
  {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return closes == 1; }));
  }
  store.broken = false;
  EXPECT_EQ(store.list({})->jobs.size(), 1u);
  EXPECT_TRUE(submit(3, "mine").ok());
  EXPECT_EQ(store.list({})->jobs.size(), 2u);
}

TEST_F(LoopTest, AFinalJobIsAnsweredFromTheStore) {
  const std::string id = submit(1, "mine")->id();
  loop->post(CancelJobRequest{.token = 2, .job_id = id, .stored = {}});
  EXPECT_EQ(std::get<v1::Job>(*wait_for(2)).state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(submit(3, "mine")->state(), v1::JOB_STATE_CANCELLED);
  loop->post(CancelJobRequest{.token = 4, .job_id = id, .stored = {}});
  EXPECT_EQ(std::get<v1::Job>(*wait_for(4)).id(), id);
  RetryJobRequest retry;
  retry.token = 5;
  retry.job_id = id;
  loop->post(retry);
  EXPECT_EQ(std::get<v1::Job>(*wait_for(5)).state(), v1::JOB_STATE_QUEUED);
}

TEST_F(LoopTest, AStoreThatCannotBeReadIsNotAJobThatIsNot) {
  const std::string id = submit(1)->id();
  loop->post(CancelJobRequest{.token = 2, .job_id = id, .stored = {}});
  ASSERT_TRUE(wait_for(2).ok());
  store.unreadable = true;
  loop->post(CancelJobRequest{.token = 3, .job_id = id, .stored = {}});
  EXPECT_TRUE(absl::IsUnavailable(wait_for(3).status())) << wait_for(3).status();
  store.unreadable = false;
  loop->post(CancelJobRequest{.token = 4, .job_id = "none", .stored = {}});
  EXPECT_TRUE(absl::IsNotFound(wait_for(4).status()));
}

TEST_F(LoopTest, ReadersSeeTheCoreBetweenCommits) {
  const std::string id = submit(1)->id();
  EXPECT_EQ(loop->read([&](const Core& core, Time) { return core.live_job(id)->id(); }), id);
}

TEST_F(LoopTest, StoppingHandlesWhatWasPosted) {
  for (Token token = 1; token <= 20; ++token) {
    loop->post(SubmitJobs{token, {probe_job()}, {}, "", ""});
  }
  loop->stop();
  EXPECT_EQ(store.list({})->jobs.size(), 20u);
}

class ShortLease : public LoopTest {
 protected:
  static CoreConfig short_lease() {
    CoreConfig config;
    config.lease = std::chrono::milliseconds(20);
    return config;
  }
  ShortLease() : LoopTest(short_lease()) {}
};

TEST_F(ShortLease, TimersFireWithoutAnyEvent) {
  v1::WorkerMessage hello;
  hello.mutable_hello()->set_worker("silent");
  hello.mutable_hello()->set_incarnation("first");
  hello.mutable_hello()->set_slots(1);
  loop->post(SessionMessage{1, hello});
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return closes == 1; }));
}

}  // namespace
}  // namespace unfold::server
