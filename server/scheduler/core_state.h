#pragma once

// Private to server/scheduler: the parts that Core's sources share.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/fleet/fleet.h"
#include "server/jobs/life_cycle.h"
#include "server/scheduler/core.h"
#include "server/scheduler/job_queue.h"
#include "server/scheduler/placement.h"

namespace unfold::server {

/// A live job and what the scheduler knows of it beside its record.
struct LiveJob {
  v1::Job job;
  std::vector<IntentRow> intents;
  Duration not_before{};  ///< back-off: waits outside the queue until then
  bool parked = false;    ///< fits no connected worker: waits outside the queue for one that does
  bool may_prefetch = true;  ///< a job that lost a worker runs alone next time
  bool dirty = false;        ///< changed in this step
  std::string avoid_worker;
};

enum class TimerKind { kLease, kBackoff, kDeadline, kRunTimeout, kSilence };

/// A wish to look at something again at `when`; whether it still matters is seen then.
struct Timer {
  Duration when{};
  TimerKind kind{};
  std::string name;        ///< of a job, or of a worker
  std::int64_t fence = 0;  ///< kRunTimeout: of which attempt; kSilence: in which session
  bool operator>(const Timer& other) const {
    return std::tie(when, kind, name, fence) >
           std::tie(other.when, other.kind, other.name, other.fence);
  }
};

struct Core::State {
  State(CoreConfig config_in, IdSource& ids_in)
      : config(config_in), ids(ids_in), hangs(config_in.hangs_to_cordon) {}

  CoreConfig config;
  IdSource& ids;
  std::int64_t last_fence = 0;
  std::int64_t last_revision = 0;
  std::unordered_map<std::string, LiveJob> jobs;
  std::int64_t queued_jobs = 0;
  JobQueue queue;
  std::vector<std::string> parked;
  Fleet fleet;
  Hangs hangs;
  std::set<std::string> draining;  ///< worker names, whether connected or not
  std::map<std::pair<std::string, std::string>, PutRequest> requests;  ///< by caller and id
  std::deque<std::pair<std::string, std::string>> requests_by_age;
  std::deque<std::pair<std::string, std::string>> replaced;  ///< (worker, dead incarnation)
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;
  CoreCounts totals;
  std::map<CoreCounts::EngineState, std::int64_t> live_counts;

  Effects fx;  ///< of the present step
  Time now;
  std::vector<std::string> dirty;  ///< jobs, in order of first change

  // core.cc: a step, and changes of one job.
  void restore(Snapshot snapshot);
  void restore_lease(const LeaseRow& row);
  void resume(LiveJob& live);
  void begin(Time at);
  Effects end();
  void change(LiveJob& live, const JobChange& change);
  absl::Status try_change(LiveJob& live, const JobChange& change);
  void mark(LiveJob& live);
  void log(const v1::Job& job, const std::string& level, const std::string& message,
           const std::string& worker = "");
  void reply(Token token, absl::StatusOr<ReplyBody> body);
  void set_timer(Duration when, TimerKind kind, const std::string& name, std::int64_t fence = 0);

  // queueing.cc: where a job waits, and who takes it.
  void enqueue(LiveJob& live);
  void requeue(LiveJob& live);
  void dequeue(LiveJob& live);
  void unpark();
  void place_jobs();
  void assign(const Assignment& assignment);
  Lease make_lease(const LiveJob& live, const Assignment& assignment);
  void send_assign(const LiveJob& live, const Lease& lease, SessionId session);

  // attempts.cc: how an attempt goes and ends.
  void stop(Lease& lease, v1::ErrorClass reason);
  void cordon(WorkerRecord& worker);
  void pardon(WorkerRecord& worker);
  bool hung(const Lease& lease) const;
  bool count_hang(const Lease& lease, AttemptFailed& failure);
  void outgrow(const v1::Job& job, AttemptFailed& failure) const;
  void start_attempt(LiveJob& live, Lease& lease, const AttemptStarted& started);
  void fail_attempt(LiveJob& live, AttemptFailed failure);
  void lose_lease(const std::string& job_id, const std::string& why, bool killed_worker);
  void release(const std::string& job_id);
  void promote(WorkerRecord& worker);
  void succeed(LiveJob& live, const v1::Finished& finished);
  void settle(LiveJob& live, const std::string& last_worker);

  // requests.cc: what callers ask.
  void handle(const SubmitJobs& event);
  void handle(const CancelJobRequest& event);
  void handle(const RetryJobRequest& event);
  void handle(const DrainWorker& event);
  void set_draining(const DrainWorker& event);
  void handle(const PreloadRequested& event);
  void handle(const EvictRequested& event);
  absl::StatusOr<std::string> submit(const NewJob& request);
  std::string create(const NewJob& request);
  absl::StatusOr<std::string> remembered(const std::string& caller, const std::string& id,
                                         const std::string& digest) const;
  void remember(const std::string& caller, const std::string& id, const std::string& digest,
                const std::string& answer);
  void fill_cameras(v1::Exposure& exposure, const SubmitJobs& event,
                    const std::vector<absl::StatusOr<v1::Job>>& jobs);

  // sessions.cc: what workers say.
  void handle(const SessionMessage& event);
  void handle(const SessionClosed& event);
  void handle(const Tick&) {}
  void hello(SessionId session, const v1::Hello& hello);
  void replace_incarnation(WorkerRecord& worker);
  void attach(WorkerRecord& worker, const v1::Hello& hello, v1::Welcome& welcome);
  void heartbeat(WorkerRecord& worker, const v1::Heartbeat& heartbeat);
  void renew(WorkerRecord& worker, const v1::HeldLease& held);
  void started(WorkerRecord& worker, const v1::Started& started);
  void publish_intent(WorkerRecord& worker, const v1::PublishIntent& intent);
  void finished(WorkerRecord& worker, const v1::Finished& finished);
  Lease* valid_lease(const WorkerRecord& worker, const std::string& lease_id, std::int64_t fence);
  void drop_session(WorkerRecord& worker, const std::string& why);
  void forget_if_gone(const std::string& worker);
  v1::SchedulerMessage& send(SessionId session);
  void abandon(SessionId session, const std::string& lease_id, std::int64_t fence,
               const std::string& why);

  // timers.cc
  void fire_timers();
  void fire(const Timer& timer);
  void check_lease(const std::string& job_id);
  void check_deadline(const std::string& job_id);
  void check_run_timeout(const Timer& timer);
  void check_silence(const Timer& timer);

  std::optional<double> predicted_wait(const v1::Job& job, Time at) const;  // views.cc

  LiveJob* find(const std::string& id) {
    const auto found = jobs.find(id);
    return found == jobs.end() ? nullptr : &found->second;
  }
  LifeCycleLimits limits() const {
    return {.max_attempts = 3, .max_worker_deaths = config.max_worker_deaths};
  }
};

Demand demand_of(const v1::Job& job);
double seconds(Duration duration);
Duration from_seconds(double seconds);
std::int64_t unix_ns(const google::protobuf::Timestamp& timestamp);
Duration duration_of(const google::protobuf::Duration& duration);

}  // namespace unfold::server
