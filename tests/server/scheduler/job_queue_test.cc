#include "server/scheduler/job_queue.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace unfold::server {
namespace {

QueuedJob make_job(const std::string& id, const std::string& submitter = "ana") {
  QueuedJob job;
  job.id = id;
  job.engine = "probe";
  job.submitter = submitter;
  return job;
}

/// Serves the whole queue by its own order.
std::string served(JobQueue& queue) {
  std::string order;
  while (queue.size() > 0) {
    const std::string id = queue.front("probe", 1).front()->id;
    absl::StrAppend(&order, id, " ");
    queue.placed(id);
  }
  return order;
}

TEST(JobQueue, EarliestDeadlineThenPriorityThenArrival) {
  JobQueue queue;
  queue.push(make_job("plain"));
  QueuedJob urgent = make_job("urgent");
  urgent.priority = 5;
  queue.push(urgent);
  QueuedJob late = make_job("late");
  late.deadline_unix_ns = 200;
  queue.push(late);
  QueuedJob soon = make_job("soon");
  soon.deadline_unix_ns = 100;
  queue.push(soon);
  EXPECT_EQ(served(queue), "soon late urgent plain ");
}

TEST(JobQueue, SubmittersTakeTurns) {
  JobQueue queue;
  for (const char* id : {"a1", "a2", "a3"}) queue.push(make_job(id, "ana"));
  queue.push(make_job("b1", "bob"));
  queue.push(make_job("b2", "bob"));
  EXPECT_EQ(served(queue), "a1 b1 a2 b2 a3 ");
}

TEST(JobQueue, ALateSubmitterIsNotOwedThePast) {
  JobQueue queue;
  for (int i = 0; i < 6; ++i) queue.push(make_job(absl::StrCat("a", i), "ana"));
  for (int i = 0; i < 3; ++i) queue.placed(absl::StrCat("a", i));
  queue.push(make_job("b0", "bob"));
  queue.push(make_job("b1", "bob"));
  EXPECT_EQ(served(queue), "a3 b0 a4 b1 a5 ");
}

TEST(JobQueue, EveryEighthPlacementServesTheOldest) {
  JobQueue queue;
  QueuedJob humble = make_job("humble");
  humble.priority = -1000;
  humble.submitted_unix_ns = 1;
  queue.push(humble);
  for (int i = 0; i < 20; ++i) {
    QueuedJob rival = make_job(absl::StrCat("rival", i));
    rival.submitted_unix_ns = 2 + i;
    queue.push(rival);
  }
  int placements = 0;
  while (queue.find("humble") != nullptr) {
    queue.placed(queue.front("probe", 1).front()->id);
    ++placements;
  }
  EXPECT_EQ(placements, JobQueue::kOldestEvery);
}

TEST(JobQueue, FindsTheFirstJobOfAResponse) {
  JobQueue queue;
  for (const char* id : {"first", "second"}) {
    QueuedJob job = make_job(id);
    job.response_key = "psf";
    queue.push(job);
  }
  EXPECT_EQ(queue.first_with_response("probe", "psf")->id, "first");
  EXPECT_TRUE(queue.remove("first"));
  EXPECT_EQ(queue.first_with_response("probe", "psf")->id, "second");
  EXPECT_TRUE(queue.remove("second"));
  EXPECT_EQ(queue.first_with_response("probe", "psf"), nullptr);
  EXPECT_FALSE(queue.remove("second"));
  EXPECT_TRUE(queue.engines().empty());
}

TEST(JobQueue, PositionCountsTheJobsBefore) {
  JobQueue queue;
  for (const char* id : {"a", "b", "c"}) queue.push(make_job(id));
  EXPECT_EQ(queue.position("a"), 0);
  EXPECT_EQ(queue.position("c"), 2);
  EXPECT_EQ(queue.position("none"), -1);
}

}  // namespace
}  // namespace unfold::server
