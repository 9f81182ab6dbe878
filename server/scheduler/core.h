#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "server/fleet/fleet.h"
#include "server/jobs/store_types.h"
#include "unfold/v1/admin_service.pb.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/job_service.pb.h"
#include "unfold/v1/types.pb.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::server {

/// Names one caller that waits for a Reply. Chosen by the adapter.
using Token = std::uint64_t;

// ---- events: everything that can happen to the scheduler ----

/// A job that passed common/plan.
struct NewJob {
  v1::JobSpec spec;
  v1::Plan plan;
  std::string engine;
  std::string submitter;
  std::string request_id;
  std::string request_digest;  ///< of the body: the same request_id with another is refused
  std::string exposure;
  std::string source;
};
/// Jobs accepted or refused one by one; an exposure, when set, is stored with its jobs.
struct SubmitJobs {
  Token token = 0;
  std::vector<NewJob> jobs;
  std::optional<v1::Exposure> exposure;
  std::string exposure_request_id;
  std::string exposure_request_digest;
  std::string exposure_submitter = {};
};
/// `stored` is the final job as the store has it (the core keeps only live ones). CoreLoop fills
/// it.
struct CancelJobRequest {
  Token token = 0;
  std::string job_id;
  std::optional<v1::Job> stored;
  std::string submitter = {};
  std::string request_id = {};
  std::string request_digest = {};
};
struct RetryJobRequest {
  Token token = 0;
  std::string job_id;
  std::string submitter;
  std::string request_id;
  std::string request_digest;
  std::optional<v1::Job> stored;
  std::vector<IntentRow> stored_intents;
};
struct DrainWorker {
  Token token = 0;
  std::string worker;
  bool undrain = false;
  std::string submitter = {};
  std::string request_id = {};
  std::string request_digest = {};
};
struct PreloadRequested {
  Token token = 0;
  NewJob job;
  std::string worker;
};
struct EvictRequested {
  Token token = 0;
  std::string key;
  std::string worker;
};
struct SessionMessage {
  SessionId session = 0;
  v1::WorkerMessage message;
};
struct SessionClosed {
  SessionId session = 0;
};
struct Tick {};  ///< time passed; sent at or after the last wake_at

using Event = std::variant<SubmitJobs, CancelJobRequest, RetryJobRequest, DrainWorker,
                           PreloadRequested, EvictRequested, SessionMessage, SessionClosed, Tick>;

// ---- effects: everything the scheduler does about it, in this order ----

/// A job (or exposure) that its request_id named and that the core no longer holds has only its id
/// here; CoreLoop completes it from the store.
struct SubmitReply {
  std::vector<absl::StatusOr<v1::Job>> jobs;
  std::optional<v1::Exposure> exposure;
};
struct WorkerReply {
  v1::Worker worker;
};
struct PreloadReply {
  std::string worker;
  std::string key;
};
struct EvictReply {
  int workers = 0;
};
using ReplyBody = std::variant<SubmitReply, v1::Job, WorkerReply, PreloadReply, EvictReply>;

struct Reply {
  Token token = 0;
  absl::StatusOr<ReplyBody> body;
};
struct Send {
  SessionId session = 0;
  v1::SchedulerMessage message;
};
struct CloseSession {
  SessionId session = 0;
  std::string why;
};

/// `writes` must be durable before anything else here happens: replies and sends are promises.
struct Effects {
  std::vector<StoreWrite> writes;
  std::vector<Reply> replies;
  std::vector<Send> sends;
  std::vector<CloseSession> closes;
  std::vector<JobEvent> log;        ///< also written to the store: what `unfold logs` shows
  std::optional<Duration> wake_at;  ///< monotonic; send Tick then
};

struct CoreConfig {
  Duration heartbeat = std::chrono::seconds(2);
  Duration lease = std::chrono::seconds(15);
  Duration adoption = std::chrono::seconds(30);
  std::int64_t max_queued = 1'000'000;
  int max_worker_deaths = 3;
  int hangs_to_cordon = 2;  ///< of different jobs in a row on one GPU; 0: never
  std::size_t max_spec_bytes = 256 * 1024;
};

/// Numbers for metrics and status. Totals count since this core was made.
struct CoreCounts {
  using EngineState = std::pair<std::string, v1::JobState>;
  std::map<EngineState, std::int64_t> live_jobs;
  std::map<EngineState, std::int64_t> finished_total;
  std::map<std::string, double> oldest_queued_seconds;  ///< by engine
  std::map<std::pair<std::string, v1::ErrorClass>, std::int64_t> failed_attempts_total;
  std::map<std::string, std::int64_t> submitted_total;  ///< by source
  std::int64_t leases = 0;
  std::int64_t lease_expirations_total = 0;
  std::int64_t fenced_publishes_total = 0;
  std::int64_t placements_hit_total = 0;   ///< the response was resident
  std::int64_t placements_load_total = 0;  ///< or had to be loaded
  std::int64_t placements_prefetch_total = 0;
  std::int64_t deadline_misses_total = 0;
  /// Attempts that a failing GPU ended, by host and device.
  std::map<std::pair<std::string, std::string>, std::int64_t> device_errors_total;
  std::map<std::pair<std::string, std::string>, std::int64_t> hangs_total;  ///< likewise
};

/// The scheduler's whole life as one deterministic step: no clock, thread, I/O or random source of
/// its own. Not thread safe: one thread owns it (CoreLoop). After a failed commit, throw it away
/// and make another from the store.
class Core {
 public:
  /// From what the store holds: live jobs keep their leases for `adoption` from `now`.
  Core(CoreConfig config, Snapshot snapshot, IdSource& ids, Time now);
  ~Core();
  Core(Core&&) noexcept;
  Core& operator=(Core&&) noexcept;

  Effects step(const Event& event, Time now);

  // Views for queries, metrics and the dashboard; cheap, by value or const reference.
  std::vector<v1::Worker> workers(Time now) const;
  const v1::Job* live_job(const std::string& id) const;  ///< not final; nullptr otherwise
  absl::StatusOr<v1::ExplainResponse> explain(const std::string& job_id, Time now) const;
  CoreCounts counts(Time now) const;
  std::int64_t revision() const;
  /// What a caller's request_id was used for, if it is still remembered.
  std::optional<PutRequest> known_request(const std::string& caller,
                                          const std::string& request_id) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold::server
