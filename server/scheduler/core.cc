#include "server/scheduler/core.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "server/jobs/sabotage.h"
#include "server/scheduler/core_state.h"

namespace unfold::server {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

Duration from_seconds(double seconds) {
  constexpr double kLongest = 1e9;  // 30 years, far inside the range of Duration
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::clamp(seconds, 0.0, kLongest)));
}

Demand demand_of(const v1::Job& job) {
  return {.engine = job.engine(),
          .response_key = job.plan().response_key(),
          .response_bytes = job.plan().response_bytes(),
          .device_bytes = job.plan().device_bytes(),
          .outgrown_bytes = outgrown_bytes(job)};
}

std::int64_t unix_ns(const google::protobuf::Timestamp& timestamp) {
  return timestamp.seconds() * 1'000'000'000 + timestamp.nanos();
}

Duration duration_of(const google::protobuf::Duration& duration) {
  return std::chrono::seconds(duration.seconds()) + std::chrono::nanoseconds(duration.nanos());
}

Core::Core(CoreConfig config, Snapshot snapshot, IdSource& ids, Time now)
    : state_(std::make_unique<State>(config, ids)) {
  state_->now = now;
  state_->restore(std::move(snapshot));
}
Core::~Core() = default;
Core::Core(Core&&) noexcept = default;
Core& Core::operator=(Core&&) noexcept = default;

Effects Core::step(const Event& event, Time now) {
  state_->begin(now);
  std::visit([this](const auto& e) { state_->handle(e); }, event);
  return state_->end();
}

const v1::Job* Core::live_job(const std::string& id) const {
  const LiveJob* live = state_->find(id);
  return live == nullptr ? nullptr : &live->job;
}

std::int64_t Core::revision() const { return state_->last_revision; }

std::optional<PutRequest> Core::known_request(const std::string& caller,
                                              const std::string& request_id) const {
  const auto found = state_->requests.find({caller, request_id});
  if (found == state_->requests.end()) return std::nullopt;
  return found->second;
}

/// What has to be written after this (attempts without a lease) leaves with the first step.
void Core::State::restore(Snapshot snapshot) {
  last_fence = snapshot.last_fence;
  last_revision = snapshot.last_revision;
  draining.insert(snapshot.draining_workers.begin(), snapshot.draining_workers.end());
  if constexpr (!sabotage::kForgetRequests) {
    for (PutRequest& request : snapshot.requests) {
      requests_by_age.emplace_back(request.caller, request.request_id);
      requests[requests_by_age.back()] = std::move(request);
    }
  }
  std::vector<std::string> order;
  order.reserve(snapshot.live_jobs.size());
  jobs.reserve(snapshot.live_jobs.size());
  for (v1::Job& job : snapshot.live_jobs) {
    ++live_counts[{job.engine(), job.state()}];
    queued_jobs += job.state() == v1::JOB_STATE_QUEUED ? 1 : 0;
    order.push_back(job.id());
    jobs[order.back()].job = std::move(job);
  }
  for (IntentRow& intent : snapshot.intents) {
    if (LiveJob* live = find(intent.job_id)) live->intents.push_back(std::move(intent));
  }
  if constexpr (sabotage::kForgetLeases) snapshot.leases.clear();
  for (const LeaseRow& row : snapshot.leases) restore_lease(row);
  for (const std::string& id : order) resume(jobs.at(id));
}

void Core::State::restore_lease(const LeaseRow& row) {
  const LiveJob* live = find(row.job_id);
  if (live == nullptr || !is_assigned(live->job.state())) return;
  if (fleet.worker(row.worker) == nullptr) fleet.add_worker(row.worker, row.incarnation);
  Lease lease = make_lease(*live, {row.job_id, row.worker, row.prefetch, false});
  lease.row = row;
  lease.expires = now.monotonic + config.adoption;
  lease.confirmed = true;
  lease.restored = true;
  lease.started = live->job.state() != v1::JOB_STATE_LOADING;
  fleet.add_lease(std::move(lease));
  set_timer(now.monotonic + config.adoption, TimerKind::kLease, row.job_id);
}

/// Where a stored job goes on: in the queue, or under its lease.
void Core::State::resume(LiveJob& live) {
  if (live.job.state() == v1::JOB_STATE_QUEUED) return enqueue(live);
  Lease* lease = fleet.lease(live.job.id());
  if (lease == nullptr) {
    return fail_attempt(live, {.error_class = v1::ERROR_CLASS_PREEMPTED,
                               .message = "the scheduler lost its lease"});
  }
  if (live.job.cancelling()) stop(*lease, v1::ERROR_CLASS_CANCELLED);
  if (live.job.state() != v1::JOB_STATE_RUNNING || !live.job.spec().has_run_timeout()) return;
  const Duration ran(now.unix_ns - unix_ns(live.job.attempts().rbegin()->started_at()));
  const Duration left = duration_of(live.job.spec().run_timeout()) - ran;
  set_timer(now.monotonic + std::max(left, Duration::zero()), TimerKind::kRunTimeout, live.job.id(),
            lease->row.fence);
}

void Core::State::begin(Time at) {
  now = at;
  fire_timers();
}

Effects Core::State::end() {
  place_jobs();
  for (const std::string& id : dirty) {
    LiveJob& live = jobs.at(id);
    live.dirty = false;
    live.job.set_revision(++last_revision);
    PutJob put{live.job};
    // A picture of a running job is shown on request only: neither stored nor sent to watchers.
    if (put.job.has_progress()) put.job.mutable_progress()->clear_preview_png();
    fx.writes.emplace_back(std::move(put));
  }
  const auto complete = [this](v1::Job& job) {
    if (const LiveJob* live = find(job.id())) job = live->job;
  };
  for (Reply& reply : fx.replies) {
    if (!reply.body.ok()) continue;
    if (auto* job = std::get_if<v1::Job>(&*reply.body)) complete(*job);
    auto* submitted = std::get_if<SubmitReply>(&*reply.body);
    if (submitted == nullptr) continue;
    for (absl::StatusOr<v1::Job>& job : submitted->jobs) {
      if (job.ok()) complete(*job);
    }
  }
  for (const std::string& id : dirty) {
    if (is_final(jobs.at(id).job.state())) jobs.erase(id);
  }
  dirty.clear();
  if (!timers.empty()) fx.wake_at = timers.top().when;
  return std::exchange(fx, {});
}

absl::Status Core::State::try_change(LiveJob& live, const JobChange& change) {
  const CoreCounts::EngineState before{live.job.engine(), live.job.state()};
  const auto outcome = apply(live.job, change, now, limits());
  if (!outcome.ok()) return outcome.status();
  if (*outcome == Outcome::kIgnored) return absl::OkStatus();
  mark(live);
  const v1::JobState state = live.job.state();
  --live_counts[before];
  queued_jobs -= before.second == v1::JOB_STATE_QUEUED ? 1 : 0;
  queued_jobs += state == v1::JOB_STATE_QUEUED ? 1 : 0;
  if (!is_final(state)) {
    ++live_counts[{live.job.engine(), state}];
    return absl::OkStatus();
  }
  ++totals.finished_total[{live.job.engine(), state}];
  const bool late =
      live.job.spec().has_deadline() && now.unix_ns > unix_ns(live.job.spec().deadline());
  if (late && state != v1::JOB_STATE_CANCELLED) ++totals.deadline_misses_total;
  return absl::OkStatus();
}

/// For changes that the core has made sure are allowed or ignored.
void Core::State::change(LiveJob& live, const JobChange& change) {
  try_change(live, change).IgnoreError();
}

void Core::State::mark(LiveJob& live) {
  if (live.dirty) return;
  live.dirty = true;
  dirty.push_back(live.job.id());
}

void Core::State::log(const v1::Job& job, const std::string& level, const std::string& message,
                      const std::string& worker) {
  fx.log.push_back({.job_id = job.id(),
                    .unix_ns = now.unix_ns,
                    .level = level,
                    .message = message,
                    .attempt = job.attempts_size(),
                    .worker = worker});
}

void Core::State::reply(Token token, absl::StatusOr<ReplyBody> body) {
  fx.replies.push_back({token, std::move(body)});
}

void Core::State::set_timer(Duration when, TimerKind kind, const std::string& name,
                            std::int64_t fence) {
  timers.push({when, kind, name, fence});
}

}  // namespace unfold::server
