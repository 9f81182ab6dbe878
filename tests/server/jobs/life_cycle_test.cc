#include "server/jobs/life_cycle.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace unfold::server {
namespace {

constexpr LifeCycleLimits kLimits;
constexpr Time kNow{.monotonic = {}, .unix_ns = 1'795'000'000'000'000'000};

/// A job in `state`, with an attempt if it ever ran.
v1::Job job_in(v1::JobState state) {
  v1::Job job;
  job.set_id("j");
  job.set_state(state);
  if (state != v1::JOB_STATE_QUEUED && state != v1::JOB_STATE_EXPIRED) {
    job.add_attempts()->set_number(1);
  }
  return job;
}

std::vector<JobChange> all_changes() {
  v1::Progress progress;
  progress.set_fraction(0.5);
  return {Assigned{1, "w"},
          AttemptStarted{},
          Progressed{progress},
          IntentRecorded{},
          Succeeded{},
          AttemptFailed{.error_class = v1::ERROR_CLASS_INPUT_ERROR, .message = "no", .seconds = {}},
          CancelRequested{},
          DeadlinePassed{},
          RetryRequested{}};
}

/// What every (state, change) must do: the state after it, "same" for a duplicate or late word,
/// "no" where it is refused. "*" marks a change within the state.
struct Expected {
  v1::JobState state;
  std::array<const char*, 9> after;
};
const std::vector<Expected> kExpected = {
    {v1::JOB_STATE_QUEUED, {"LOADING", "no", "no", "no", "no", "no", "CANCELLED", "EXPIRED", "no"}},
    {v1::JOB_STATE_LOADING,
     {"no", "RUNNING", "*", "PUBLISHING", "SUCCEEDED", "FAILED", "*", "same", "no"}},
    {v1::JOB_STATE_RUNNING,
     {"no", "same", "*", "PUBLISHING", "SUCCEEDED", "FAILED", "*", "same", "no"}},
    {v1::JOB_STATE_PUBLISHING,
     {"no", "same", "*", "same", "SUCCEEDED", "FAILED", "*", "same", "no"}},
    {v1::JOB_STATE_SUCCEEDED, {"no", "same", "same", "no", "same", "same", "no", "same", "no"}},
    {v1::JOB_STATE_FAILED, {"no", "same", "same", "no", "no", "same", "no", "same", "QUEUED"}},
    {v1::JOB_STATE_CANCELLED, {"no", "same", "same", "no", "no", "same", "same", "same", "QUEUED"}},
    {v1::JOB_STATE_EXPIRED, {"no", "same", "same", "no", "no", "same", "no", "same", "QUEUED"}},
    {v1::JOB_STATE_QUARANTINED, {"no", "same", "same", "no", "no", "same", "no", "same", "QUEUED"}},
};

TEST(LifeCycle, EveryPairOfStateAndChangeIsDefined) {
  ASSERT_EQ(kExpected.size(), static_cast<std::size_t>(v1::JobState_ARRAYSIZE - 1));
  ASSERT_EQ(all_changes().size(), std::variant_size_v<JobChange>);
  for (const Expected& row : kExpected) {
    for (std::size_t i = 0; i < all_changes().size(); ++i) {
      v1::Job job = job_in(row.state);
      const std::string before = job.SerializeAsString();
      const auto outcome = apply(job, all_changes()[i], kNow, kLimits);
      const std::string expected = row.after.at(i);
      const std::string pair = state_name(row.state) + " with change " + std::to_string(i);
      if (expected == "no") {
        EXPECT_TRUE(absl::IsFailedPrecondition(outcome.status())) << pair;
        EXPECT_EQ(job.SerializeAsString(), before) << pair;
      } else if (expected == "same") {
        ASSERT_TRUE(outcome.ok()) << pair;
        EXPECT_EQ(*outcome, Outcome::kIgnored) << pair;
        EXPECT_EQ(job.SerializeAsString(), before) << pair;
      } else {
        ASSERT_TRUE(outcome.ok()) << pair;
        EXPECT_EQ(*outcome, Outcome::kChanged) << pair;
        EXPECT_NE(job.SerializeAsString(), before) << pair;
        const std::string after = expected == "*" ? state_name(row.state) : expected;
        EXPECT_EQ(state_name(job.state()), after) << pair;
      }
    }
  }
}

/// A job that goes through attempts which all end in the same way.
v1::Job after_failures(const AttemptFailed& failure, int attempts, int max_attempts = 0) {
  v1::Job job = job_in(v1::JOB_STATE_QUEUED);
  job.mutable_spec()->set_max_attempts(max_attempts);
  for (int i = 0; i < attempts && job.state() == v1::JOB_STATE_QUEUED; ++i) {
    apply(job, Assigned{i + 1, "w"}, kNow, kLimits).IgnoreError();
    apply(job, failure, kNow, kLimits).IgnoreError();
  }
  return job;
}

AttemptFailed failed(v1::ErrorClass error_class) {
  return {.error_class = error_class, .message = "why", .seconds = {}};
}

struct RetryRule {
  v1::ErrorClass error_class;
  int attempts;  // until the end
  v1::JobState end;
};

TEST(LifeCycle, TheErrorClassDecidesOnRetry) {
  for (const RetryRule& rule : {RetryRule{v1::ERROR_CLASS_INPUT_ERROR, 1, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_TIMEOUT, 1, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_CANCELLED, 1, v1::JOB_STATE_CANCELLED},
                                RetryRule{v1::ERROR_CLASS_ENGINE_ERROR, 2, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_UNSPECIFIED, 2, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_OUT_OF_MEMORY, 2, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_OUTPUT_ERROR, 3, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_DEVICE_ERROR, 3, v1::JOB_STATE_FAILED},
                                RetryRule{v1::ERROR_CLASS_WORKER_LOST, 3, v1::JOB_STATE_FAILED}}) {
    const v1::Job before = after_failures(failed(rule.error_class), rule.attempts - 1);
    EXPECT_EQ(before.state(), v1::JOB_STATE_QUEUED) << rule.error_class;
    const v1::Job end = after_failures(failed(rule.error_class), 10);
    EXPECT_EQ(end.state(), rule.end) << rule.error_class;
    EXPECT_EQ(end.attempts_size(), rule.attempts) << rule.error_class;
  }
}

TEST(LifeCycle, AGpuThatWasTooSmallIsTriedAgainOnlyOnALargerOne) {
  for (const bool larger : {false, true}) {
    v1::Job job = job_in(v1::JOB_STATE_QUEUED);
    const Assigned to_gpu{.fence = 1, .worker = "w", .device = "cuda:0", .memory_bytes = 80};
    apply(job, to_gpu, kNow, kLimits).IgnoreError();
    AttemptFailed failure = failed(v1::ERROR_CLASS_OUT_OF_MEMORY);
    failure.larger_gpu = larger;
    apply(job, failure, kNow, kLimits).IgnoreError();
    EXPECT_EQ(job.state(), larger ? v1::JOB_STATE_QUEUED : v1::JOB_STATE_FAILED);
    EXPECT_EQ(outgrown_bytes(job), 80);
  }
}

TEST(LifeCycle, WhatWasOutgrownIsForgottenByARetryAndUnknownToCpus) {
  v1::Job job = after_failures(failed(v1::ERROR_CLASS_OUT_OF_MEMORY), 2);
  EXPECT_EQ(outgrown_bytes(job), 0);
  job.mutable_attempts(0)->set_device("cuda:0");
  job.mutable_attempts(0)->set_memory_bytes(80);
  EXPECT_EQ(outgrown_bytes(job), 80);
  ASSERT_TRUE(apply(job, RetryRequested{}, kNow, kLimits).ok());
  EXPECT_EQ(outgrown_bytes(job), 0);
}

TEST(LifeCycle, ThreeProcessDeathsQuarantineTheJob) {
  AttemptFailed death = failed(v1::ERROR_CLASS_WORKER_LOST);
  death.killed_worker = true;
  const v1::Job job = after_failures(death, 10);
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUARANTINED);
  EXPECT_EQ(job.attempts_size(), 3);
}

TEST(LifeCycle, BeingPreemptedIsNeverCharged) {
  const v1::Job job = after_failures(failed(v1::ERROR_CLASS_PREEMPTED), 50);
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job.attempts_size(), 50);
  EXPECT_EQ(charged_attempts(job), 0);
}

TEST(LifeCycle, WhatDidNotRunIsNotCharged) {
  AttemptFailed waiting = failed(v1::ERROR_CLASS_WORKER_LOST);
  waiting.charged = false;
  waiting.killed_worker = true;
  const v1::Job job = after_failures(waiting, 20);
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  EXPECT_FALSE(job.attempts(0).killed_worker());
}

TEST(LifeCycle, TheJobsOwnLimitOfAttemptsHolds) {
  EXPECT_EQ(after_failures(failed(v1::ERROR_CLASS_OUTPUT_ERROR), 10, 5).attempts_size(), 5);
  EXPECT_EQ(after_failures(failed(v1::ERROR_CLASS_WORKER_LOST), 10, 1).attempts_size(), 1);
}

TEST(LifeCycle, ARetryStartsTheCountsAgainAndKeepsTheAttempts) {
  v1::Job job = after_failures(failed(v1::ERROR_CLASS_ENGINE_ERROR), 10);
  job.mutable_spec()->mutable_deadline()->set_seconds(1);
  ASSERT_TRUE(apply(job, RetryRequested{}, kNow, kLimits).ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job.attempts_size(), 2);
  EXPECT_EQ(charged_attempts(job), 0);
  EXPECT_FALSE(job.spec().has_deadline());
  EXPECT_EQ(job.message(), "");
  EXPECT_EQ(retry_delay(job), Duration::zero());
}

TEST(LifeCycle, AFailureWhileCancellingEndsTheJobAsCancelled) {
  v1::Job job = job_in(v1::JOB_STATE_RUNNING);
  ASSERT_TRUE(apply(job, CancelRequested{}, kNow, kLimits).ok());
  EXPECT_TRUE(job.cancelling());
  EXPECT_EQ(*apply(job, CancelRequested{}, kNow, kLimits), Outcome::kIgnored);
  ASSERT_TRUE(apply(job, failed(v1::ERROR_CLASS_WORKER_LOST), kNow, kLimits).ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_CANCELLED);
  EXPECT_FALSE(job.cancelling());
}

TEST(LifeCycle, AProductThatCameBeforeTheCancelStands) {
  v1::Job job = job_in(v1::JOB_STATE_PUBLISHING);
  apply(job, CancelRequested{}, kNow, kLimits).IgnoreError();
  ASSERT_TRUE(apply(job, Succeeded{}, kNow, kLimits).ok());
  EXPECT_EQ(job.state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(job.cancelling());
}

TEST(LifeCycle, BackOffDoublesUpToAMinuteAndOnlyForTheJobsOwnErrors) {
  EXPECT_EQ(retry_delay(after_failures(failed(v1::ERROR_CLASS_OUTPUT_ERROR), 1, 20)),
            std::chrono::seconds(1));
  EXPECT_EQ(retry_delay(after_failures(failed(v1::ERROR_CLASS_OUTPUT_ERROR), 3, 20)),
            std::chrono::seconds(4));
  EXPECT_EQ(retry_delay(after_failures(failed(v1::ERROR_CLASS_OUTPUT_ERROR), 19, 20)),
            std::chrono::seconds(60));
  EXPECT_EQ(retry_delay(after_failures(failed(v1::ERROR_CLASS_WORKER_LOST), 1)), Duration::zero());
  EXPECT_EQ(retry_delay(after_failures(failed(v1::ERROR_CLASS_PREEMPTED), 9)), Duration::zero());
}

TEST(LifeCycle, UnchangedProgressIsNoChange) {
  v1::Job job = job_in(v1::JOB_STATE_RUNNING);
  v1::Progress progress;
  progress.set_done(3);
  EXPECT_EQ(*apply(job, Progressed{progress}, kNow, kLimits), Outcome::kChanged);
  EXPECT_EQ(*apply(job, Progressed{progress}, kNow, kLimits), Outcome::kIgnored);
}

}  // namespace
}  // namespace unfold::server
