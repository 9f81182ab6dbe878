#include "server/scheduler/placement.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace unfold::server {
namespace {

constexpr Duration kNow = std::chrono::hours(1);

class Placement : public ::testing::Test {
 protected:
  WorkerRecord& add_worker(const std::string& name, int slots = 1, std::int64_t memory = 0) {
    WorkerRecord& worker = fleet.add_worker(name, "i");
    worker.hello.add_engines("probe");
    worker.hello.set_slots(slots);
    worker.hello.set_memory_bytes(memory);
    fleet.bind_session(++sessions, worker);
    return worker;
  }
  void occupy(const std::string& worker, double seconds_left, const std::string& key = "",
              std::int64_t bytes = 0) {
    Lease lease;
    lease.row.job_id = absl::StrCat("running", ++jobs);
    lease.row.worker = worker;
    lease.response_key = key;
    lease.response_bytes = bytes;
    lease.predicted_end = kNow + std::chrono::milliseconds(static_cast<int>(seconds_left * 1000));
    fleet.add_lease(lease);
  }
  QueuedJob& push(const std::string& id, const std::string& key = "", double load = 0,
                  double run = 1, std::int64_t bytes = 0) {
    QueuedJob job;
    job.id = id;
    job.engine = "probe";
    job.submitter = "ana";
    job.response_key = key;
    job.load_seconds = load;
    job.run_seconds = run;
    job.response_bytes = bytes;
    waiting.push_back(job);
    queue.push(job);
    return waiting.back();
  }
  void resident(WorkerRecord& worker, const std::string& key) {
    worker.residency[key].set_key(key);
  }
  std::string placed() {
    std::string out;
    for (const Assignment& a : place(queue, fleet, kNow).assignments) {
      absl::StrAppend(&out, a.job_id, ">", a.worker, a.prefetch ? "*" : "", " ");
    }
    return out;
  }

  JobQueue queue;
  Fleet fleet;
  std::vector<QueuedJob> waiting;
  SessionId sessions = 0;
  int jobs = 0;
};

TEST_F(Placement, NothingWithoutWorkersOrJobs) {
  EXPECT_EQ(placed(), "");
  push("job");
  EXPECT_EQ(placed(), "");
}

TEST_F(Placement, AJobGoesWhereItsResponseIs) {
  add_worker("a");
  resident(add_worker("b"), "psf");
  push("job", "psf", 5);
  EXPECT_EQ(placed(), "job>b ");
}

TEST_F(Placement, AJobWaitsForABusyWorkerWhereThatIsSooner) {
  WorkerRecord& busy = add_worker("busy");
  resident(busy, "psf");
  occupy("busy", 2);
  add_worker("idle");
  push("job", "psf", 10);
  EXPECT_EQ(placed(), "job>busy* ");
}

TEST_F(Placement, AndLoadsElsewhereWhereThatIsSooner) {
  resident(add_worker("busy"), "psf");
  occupy("busy", 20);
  add_worker("idle");
  push("job", "psf", 10);
  EXPECT_EQ(placed(), "job>idle ");
}

TEST_F(Placement, AQueueForOneResponseSpreadsOnceItIsLongerThanALoad) {
  resident(add_worker("busy"), "psf");
  occupy("busy", 1);
  add_worker("idle");
  for (int i = 0; i < 8; ++i) push(absl::StrCat("j", i), "psf", 3, 1);
  const std::string all = placed();
  EXPECT_NE(all.find("j0>busy*"), std::string::npos) << all;
  EXPECT_NE(all.find(">idle "), std::string::npos) << all;
}

TEST_F(Placement, OneJobAheadIsPrefetchedWhileTheSlotsCompute) {
  add_worker("w", 2);
  for (int i = 0; i < 5; ++i) push(absl::StrCat("j", i));
  EXPECT_EQ(placed(), "j0>w j1>w ");
  for (int i = 0; i < 2; ++i) {
    queue.placed(absl::StrCat("j", i));
    occupy("w", 5);
  }
  EXPECT_EQ(placed(), "j2>w* ");
}

TEST_F(Placement, AJobThatLostAWorkerIsNotPrefetched) {
  add_worker("w");
  occupy("w", 5);
  QueuedJob suspect;
  suspect.id = "suspect";
  suspect.engine = "probe";
  suspect.may_prefetch = false;
  queue.push(suspect);
  EXPECT_EQ(placed(), "");
}

TEST_F(Placement, EnginesDrainingAndLostWorkersFilter) {
  WorkerRecord& other = add_worker("other");
  other.hello.clear_engines();
  other.hello.add_engines("another");
  add_worker("draining").draining = true;
  add_worker("leaving").leaving = true;
  fleet.unbind_session(add_worker("lost").session);
  push("job");
  EXPECT_EQ(placed(), "");
}

TEST_F(Placement, RunningJobsResponsesHoldTheirMemory) {
  add_worker("w", 2, 100);
  occupy("w", 5, "held", 70);
  push("big", "new", 1, 1, 40);
  push("shared", "held", 1, 1, 70);
  push("small", "other", 1, 1, 30);
  EXPECT_EQ(placed(), "shared>w ");  // and the slots are full
  queue.remove("shared");
  EXPECT_EQ(placed(), "small>w ");
}

TEST_F(Placement, WhatFitsNoWorkerIsNamedAndBlocksNobody) {
  add_worker("w", 1, 100);
  push("huge", "key", 1, 1, 101);
  push("job");
  const Placements placements = place(queue, fleet, kNow);
  EXPECT_EQ(placements.too_big, std::vector<std::string>{"huge"});
  ASSERT_EQ(placements.assignments.size(), 1u);
  EXPECT_EQ(placements.assignments[0].job_id, "job");
}

TEST_F(Placement, OfEqualJobsTheOneWithAResidentResponseGoesFirst) {
  resident(add_worker("w"), "here");
  push("cold", "there", 5);
  push("warm", "here", 5);
  EXPECT_EQ(placed(), "warm>w ");
  EXPECT_EQ(place(queue, fleet, kNow).passed_over, std::vector<std::string>{"cold"});
}

TEST_F(Placement, ButNotBeforeAnEarlierDeadlineOrAHigherPriority) {
  resident(add_worker("w"), "here");
  push("warm", "here", 5);
  QueuedJob urgent = waiting.back();
  urgent.id = "urgent";
  urgent.response_key = "there";
  urgent.priority = 1;
  queue.push(urgent);
  EXPECT_EQ(placed(), "urgent>w ");
}

TEST_F(Placement, AJobIsPassedOverOnlySoOften) {
  resident(add_worker("w"), "here");
  push("cold", "there", 5);
  push("warm", "here", 5);
  for (int i = 0; i < kMaxPassedOver; ++i) queue.pass_over("cold");
  EXPECT_EQ(placed(), "cold>w ");
}

TEST_F(Placement, AnOverdueJobKeepsRoomThatSmallerOnesWouldTake) {
  add_worker("w", 2, 100);
  occupy("w", 5, "held", 50);
  push("big", "new", 1, 1, 90);
  push("small", "tiny", 1, 1, 10);
  EXPECT_EQ(placed(), "small>w ");
  for (int i = 0; i < kMaxPassedOver; ++i) queue.pass_over("big");
  EXPECT_EQ(placed(), "");
}

TEST_F(Placement, AWorkerThatRanOutOfMemoryIsAvoidedWhereThereIsAnother) {
  add_worker("small");
  QueuedJob job;
  job.id = "job";
  job.engine = "probe";
  job.avoid_worker = "small";
  queue.push(job);
  EXPECT_EQ(placed(), "job>small ");
  add_worker("tall");
  EXPECT_EQ(placed(), "job>tall ");
}

TEST_F(Placement, WorkIsBoundedByTheLookAheadNotTheQueue) {
  add_worker("w");
  for (int i = 0; i < 1000; ++i) push(absl::StrCat("j", i), absl::StrCat("key", i), 1, 1);
  const Placements placements = place(queue, fleet, kNow);
  EXPECT_EQ(placements.assignments.size(), 1u);
  EXPECT_LE(placements.passed_over.size(), static_cast<std::size_t>(kLookAhead));
}

}  // namespace
}  // namespace unfold::server
