#include "server/rpc/pending_changes.h"

#include <gtest/gtest.h>

namespace unfold::server {
namespace {

JobPtr job(const char* id, std::int64_t revision, v1::JobState state) {
  v1::Job job;
  job.set_id(id);
  job.set_revision(revision);
  job.set_state(state);
  return std::make_shared<v1::Job>(std::move(job));
}

using Revisions = std::vector<std::int64_t>;

Revisions drain(PendingChanges& pending) {
  Revisions revisions;
  while (const JobPtr next = pending.take()) revisions.push_back(next->revision());
  return revisions;
}

TEST(PendingChanges, AreTakenInOrderOfRevision) {
  PendingChanges pending;
  pending.add(job("a", 1, v1::JOB_STATE_QUEUED));
  pending.add(job("b", 2, v1::JOB_STATE_QUEUED));
  pending.add(job("c", 3, v1::JOB_STATE_QUEUED));
  EXPECT_EQ(drain(pending), (Revisions{1, 2, 3}));
  EXPECT_EQ(pending.take(), nullptr);
}

TEST(PendingChanges, ANewerStateReplacesTheOlderOfTheSameJob) {
  PendingChanges pending;
  pending.add(job("a", 1, v1::JOB_STATE_QUEUED));
  pending.add(job("b", 2, v1::JOB_STATE_QUEUED));
  EXPECT_EQ(pending.add(job("a", 3, v1::JOB_STATE_RUNNING)), PendingChanges::Added::kReplacedOlder);
  EXPECT_EQ(drain(pending), (Revisions{2, 3}));
}

TEST(PendingChanges, AFinalStateIsNeverReplacedEvenWhenTheJobIsRetried) {
  PendingChanges pending;
  pending.add(job("a", 1, v1::JOB_STATE_RUNNING));
  pending.add(job("a", 2, v1::JOB_STATE_FAILED));
  pending.add(job("a", 3, v1::JOB_STATE_QUEUED));
  pending.add(job("a", 4, v1::JOB_STATE_RUNNING));
  EXPECT_EQ(drain(pending), (Revisions{2, 4}));
}

TEST(PendingChanges, HoldNoMoreThanOneLiveEntryAJobHoweverOftenItChanges) {
  PendingChanges pending;
  for (int i = 1; i <= 1000; ++i) pending.add(job("a", i, v1::JOB_STATE_RUNNING));
  EXPECT_EQ(pending.size(), 1U);
}

}  // namespace
}  // namespace unfold::server
