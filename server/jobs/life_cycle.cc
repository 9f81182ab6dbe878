#include "server/jobs/life_cycle.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/error.h"

namespace unfold::server {
namespace {

enum class Verdict : char { kDo, kIgnore, kRefuse };
constexpr Verdict D = Verdict::kDo;
constexpr Verdict I = Verdict::kIgnore;
constexpr Verdict R = Verdict::kRefuse;

// Columns in the order of JobChange: Assigned, Started, Progressed, Intent, Succeeded, Failed,
// Cancel, Deadline, Retry. What an ended attempt still reports is ignored in a final state.
using Row = std::array<Verdict, std::variant_size_v<JobChange>>;
constexpr std::array<Row, 10> kTable = {{
    /* UNSPECIFIED */ {R, R, R, R, R, R, R, R, R},
    /* QUEUED      */ {D, R, R, R, R, R, D, D, R},
    /* LOADING     */ {R, D, D, D, D, D, D, I, R},
    /* RUNNING     */ {R, I, D, D, D, D, D, I, R},
    /* PUBLISHING  */ {R, I, D, I, D, D, D, I, R},
    /* SUCCEEDED   */ {R, I, I, R, I, I, R, I, R},
    /* FAILED      */ {R, I, I, R, R, I, R, I, D},
    /* CANCELLED   */ {R, I, I, R, R, I, I, I, D},
    /* EXPIRED     */ {R, I, I, R, R, I, R, I, D},
    /* QUARANTINED */ {R, I, I, R, R, I, R, I, D},
}};

constexpr std::array<const char*, std::variant_size_v<JobChange>> kChangeNames = {
    "assigned", "started",   "progressed", "published", "succeeded",
    "failed",   "cancelled", "expired",    "retried"};

void stamp(google::protobuf::Timestamp* timestamp, Time now) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  timestamp->set_seconds(now.unix_ns / kSecond);
  timestamp->set_nanos(static_cast<std::int32_t>(now.unix_ns % kSecond));
}

v1::Attempt& last_attempt(v1::Job& job) { return *job.mutable_attempts(job.attempts_size() - 1); }

void end_attempt(v1::Job& job, Time now, const std::map<std::string, double>& seconds) {
  v1::Attempt& attempt = last_attempt(job);
  stamp(attempt.mutable_ended_at(), now);
  for (const auto& [phase, value] : seconds) (*attempt.mutable_seconds())[phase] = value;
}

void finish(v1::Job& job, v1::JobState state, Time now) {
  job.set_state(state);
  job.set_cancelling(false);
  stamp(job.mutable_finished_at(), now);
}

int count_attempts(const v1::Job& job, v1::ErrorClass error_class) {
  const auto begin = job.attempts().begin() + job.forgiven_attempts();
  return static_cast<int>(std::count_if(begin, job.attempts().end(), [&](const v1::Attempt& a) {
    return a.charged() && a.error_class() == error_class;
  }));
}

bool on_gpu(const v1::Attempt& attempt) { return absl::StartsWith(attempt.device(), "cuda"); }

int worker_deaths(const v1::Job& job) {
  const auto begin = job.attempts().begin() + job.forgiven_attempts();
  return static_cast<int>(std::count_if(begin, job.attempts().end(),
                                        [](const v1::Attempt& a) { return a.killed_worker(); }));
}

bool attempts_left(const v1::Job& job, const LifeCycleLimits& limits) {
  const int allowed =
      job.spec().max_attempts() > 0 ? job.spec().max_attempts() : limits.max_attempts;
  return charged_attempts(job) < allowed;
}

/// Where a failed attempt leads: QUEUED means another try.
v1::JobState after_failure(const v1::Job& job, bool larger_gpu, const LifeCycleLimits& limits) {
  const v1::ErrorClass error_class = job.attempts().rbegin()->error_class();
  if (job.cancelling() || error_class == v1::ERROR_CLASS_CANCELLED) return v1::JOB_STATE_CANCELLED;
  const v1::JobState again =
      attempts_left(job, limits) ? v1::JOB_STATE_QUEUED : v1::JOB_STATE_FAILED;
  switch (error_class) {
    case v1::ERROR_CLASS_PREEMPTED:
      return v1::JOB_STATE_QUEUED;
    case v1::ERROR_CLASS_WORKER_LOST:
      return worker_deaths(job) >= limits.max_worker_deaths ? v1::JOB_STATE_QUARANTINED : again;
    case v1::ERROR_CLASS_OUT_OF_MEMORY:
      if (on_gpu(*job.attempts().rbegin())) return larger_gpu ? again : v1::JOB_STATE_FAILED;
      [[fallthrough]];
    case v1::ERROR_CLASS_ENGINE_ERROR:
      return count_attempts(job, error_class) > 1 ? v1::JOB_STATE_FAILED : again;
    case v1::ERROR_CLASS_OUTPUT_ERROR:
    case v1::ERROR_CLASS_DEVICE_ERROR:
      return again;
    default:
      return v1::JOB_STATE_FAILED;  // INPUT_ERROR, TIMEOUT: the same would happen again
  }
}

struct Apply {
  v1::Job& job;
  Time now;
  const LifeCycleLimits& limits;

  Outcome operator()(const Assigned& change) const {
    job.set_state(v1::JOB_STATE_LOADING);
    job.clear_progress();
    v1::Attempt* attempt = job.add_attempts();
    attempt->set_number(job.attempts_size());
    attempt->set_fence(change.fence);
    attempt->set_worker(change.worker);
    attempt->set_device(change.device);
    attempt->set_memory_bytes(change.memory_bytes);
    stamp(attempt->mutable_assigned_at(), now);
    return Outcome::kChanged;
  }
  Outcome operator()(const AttemptStarted& change) const {
    job.set_state(v1::JOB_STATE_RUNNING);
    v1::Attempt& attempt = last_attempt(job);
    stamp(attempt.mutable_started_at(), now);
    attempt.set_response_hit(change.response_hit);
    if (change.load_seconds > 0) (*attempt.mutable_seconds())["load"] = change.load_seconds;
    if (change.start_seconds) attempt.set_start_seconds(*change.start_seconds);
    if (change.idle_seconds) attempt.set_idle_seconds(*change.idle_seconds);
    return Outcome::kChanged;
  }
  Outcome operator()(const Progressed& change) const {
    if (job.has_progress() &&
        job.progress().SerializeAsString() == change.progress.SerializeAsString()) {
      return Outcome::kIgnored;
    }
    *job.mutable_progress() = change.progress;
    return Outcome::kChanged;
  }
  Outcome operator()(const IntentRecorded&) const {
    job.set_state(v1::JOB_STATE_PUBLISHING);
    return Outcome::kChanged;
  }
  Outcome operator()(const Succeeded& change) const {
    end_attempt(job, now, change.seconds);
    if (change.response_hit) last_attempt(job).set_response_hit(true);
    last_attempt(job).set_charged(true);
    job.mutable_outputs()->Assign(change.outputs.begin(), change.outputs.end());
    job.mutable_summary()->clear();
    job.mutable_summary()->insert(change.summary.begin(), change.summary.end());
    job.mutable_progress()->set_fraction(1);
    job.clear_message();
    job.clear_error_class();
    finish(job, v1::JOB_STATE_SUCCEEDED, now);
    return Outcome::kChanged;
  }
  Outcome operator()(const AttemptFailed& change) const {
    end_attempt(job, now, change.seconds);
    v1::Attempt& attempt = last_attempt(job);
    const bool unnamed = change.error_class == v1::ERROR_CLASS_UNSPECIFIED;
    attempt.set_error_class(unnamed ? v1::ERROR_CLASS_ENGINE_ERROR : change.error_class);
    attempt.set_message(change.message);
    attempt.set_charged(change.charged && attempt.error_class() != v1::ERROR_CLASS_PREEMPTED &&
                        attempt.error_class() != v1::ERROR_CLASS_CANCELLED);
    attempt.set_killed_worker(change.killed_worker && attempt.charged());
    const v1::JobState next = after_failure(job, change.larger_gpu, limits);
    if (next == v1::JOB_STATE_QUEUED) {
      job.set_state(next);
      return Outcome::kChanged;
    }
    job.set_error_class(next == v1::JOB_STATE_CANCELLED ? v1::ERROR_CLASS_CANCELLED
                                                        : attempt.error_class());
    job.set_message(change.message);
    finish(job, next, now);
    return Outcome::kChanged;
  }
  Outcome operator()(const CancelRequested&) const {
    if (is_assigned(job.state())) {
      if (job.cancelling()) return Outcome::kIgnored;
      job.set_cancelling(true);
      return Outcome::kChanged;
    }
    job.set_error_class(v1::ERROR_CLASS_CANCELLED);
    job.set_message("cancelled before it ran");
    finish(job, v1::JOB_STATE_CANCELLED, now);
    return Outcome::kChanged;
  }
  Outcome operator()(const DeadlinePassed&) const {
    job.set_message("the deadline passed before it could run");
    finish(job, v1::JOB_STATE_EXPIRED, now);
    return Outcome::kChanged;
  }
  Outcome operator()(const RetryRequested&) const {
    job.set_state(v1::JOB_STATE_QUEUED);
    job.set_forgiven_attempts(job.attempts_size());
    job.mutable_spec()->clear_deadline();  // a passed one would only expire it again
    job.clear_finished_at();
    job.clear_message();
    job.clear_error_class();
    job.clear_progress();
    return Outcome::kChanged;
  }
};

}  // namespace

absl::StatusOr<Outcome> apply(v1::Job& job, const JobChange& change, Time now,
                              const LifeCycleLimits& limits) {
  const auto state = static_cast<std::size_t>(job.state());
  const Verdict verdict = state < kTable.size() ? kTable[state][change.index()] : R;
  if (verdict == I) return Outcome::kIgnored;
  if (verdict == R) {
    return error(
        {.code = absl::StatusCode::kFailedPrecondition,
         .reason = "WRONG_STATE",
         .field = "",
         .what = absl::StrCat("job ", job.id(), " cannot be ", kChangeNames[change.index()]),
         .why = absl::StrCat("it is ", state_name(job.state())),
         .remedy = ""});
  }
  return std::visit(Apply{job, now, limits}, change);
}

bool is_final(v1::JobState state) { return state >= v1::JOB_STATE_SUCCEEDED; }

bool is_assigned(v1::JobState state) {
  return state >= v1::JOB_STATE_LOADING && state <= v1::JOB_STATE_PUBLISHING;
}

std::string state_name(v1::JobState state) {
  return std::string(absl::StripPrefix(v1::JobState_Name(state), "JOB_STATE_"));
}

Duration retry_delay(const v1::Job& job) {
  if (job.attempts_size() <= job.forgiven_attempts()) return Duration::zero();
  const v1::ErrorClass last = job.attempts().rbegin()->error_class();
  if (last == v1::ERROR_CLASS_PREEMPTED || last == v1::ERROR_CLASS_WORKER_LOST ||
      last == v1::ERROR_CLASS_DEVICE_ERROR) {
    return Duration::zero();  // not the job's fault, or the lease was wait enough
  }
  const int doublings = std::clamp(charged_attempts(job) - 1, 0, 6);
  return std::min<Duration>(std::chrono::seconds(1) * (1 << doublings), std::chrono::seconds(60));
}

std::int64_t outgrown_bytes(const v1::Job& job) {
  std::int64_t bytes = 0;
  for (int i = job.forgiven_attempts(); i < job.attempts_size(); ++i) {
    const v1::Attempt& attempt = job.attempts(i);
    if (attempt.error_class() != v1::ERROR_CLASS_OUT_OF_MEMORY || !on_gpu(attempt)) continue;
    bytes = std::max(bytes, attempt.memory_bytes());
  }
  return bytes;
}

int charged_attempts(const v1::Job& job) {
  const auto begin = job.attempts().begin() + job.forgiven_attempts();
  return static_cast<int>(
      std::count_if(begin, job.attempts().end(), [](const v1::Attempt& a) { return a.charged(); }));
}

}  // namespace unfold::server
