#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "server/fleet/hangs.h"
#include "server/jobs/store_types.h"
#include "unfold/v1/admin_service.pb.h"
#include "unfold/v1/response_service.pb.h"
#include "unfold/v1/types.pb.h"
#include "unfold/v1/worker_service.pb.h"

namespace unfold::server {

/// Names one worker session. Chosen by the adapter, never 0.
using SessionId = std::uint64_t;

/// What a job needs of its worker's memory.
struct Demand {
  std::string engine = {};
  std::string response_key = {};
  std::int64_t response_bytes = 0;
  std::int64_t device_bytes = 0;    ///< beside the response, where a GPU computes it
  std::int64_t outgrown_bytes = 0;  ///< a GPU of this much memory was too small for it
};

/// The right to run one job, until `expires` (monotonic).
struct Lease {
  LeaseRow row;
  Duration expires{};
  Duration predicted_end{};
  std::string response_key;
  std::int64_t response_bytes = 0;
  std::int64_t device_bytes = 0;  ///< beside the response, on its worker's GPU; 0 on a CPU
  bool confirmed = false;         ///< the worker has shown that it knows of it
  bool started = false;
  bool restored = false;  ///< from the store, and its worker is not back yet
  /// The session broke before it was confirmed, and the worker that came back does not hold it.
  bool lost_assign = false;
  /// Set once the worker was told to stop: then heartbeats renew it no further than `stop_by`.
  std::optional<v1::ErrorClass> stop;
  Duration stop_by{};

  /// Whether losing it counts against the job: it held a slot, and the scheduler saw it do so.
  bool charged() const { return (started || !row.prefetch) && !restored; }
};

/// One worker process, connected or with leases that have not ended.
struct WorkerRecord {
  std::string name;
  std::string incarnation;
  v1::Hello hello;            ///< without residency, workspace, health and held leases
  SessionId session = 0;      ///< 0: not connected
  bool draining = false;      ///< by an operator
  bool leaving = false;       ///< it says so, or gave work back unasked: it is shutting down
  Duration last_heartbeat{};  ///< monotonic
  std::int64_t connected_unix_ns = 0;
  std::map<std::string, v1::Residency> residency;  ///< by response key
  v1::DeviceHealth health;                         ///< of its GPU, as last heard
  std::int64_t pardoned_faults = 0;                ///< of health.faults(): before an undrain
  std::string hangs;                               ///< Hangs::verdict() of its GPU
  v1::Workspace workspace;
  std::set<std::string> jobs;  ///< whose leases it holds
  int running = 0;             ///< leases that hold a slot
  int prefetched = 0;          ///< leases that wait for one

  /// Its device has a fault, or hangs, and nobody has looked at it.
  bool cordoned() const { return health.faults() > pardoned_faults || !hangs.empty(); }
  const std::string& cordon_reason() const { return hangs.empty() ? health.fault() : hangs; }
  Hangs::Gpu gpu() const { return {hello.host(), hello.device()}; }
  bool ready() const { return session != 0 && !draining && !leaving && !cordoned(); }
  int free_slots() const { return ready() ? std::max(0, hello.slots() - running) : 0; }
  bool offers(const std::string& engine) const;
  /// Where it computes the jobs of this engine: "cpu", "cuda:0".
  std::string device_of(const std::string& engine) const;
  /// Resident, or on its way there for another job.
  bool has_response(const std::string& key) const {
    return residency.contains(key) || held_keys.contains(key);
  }
  /// The byte ledger: responses that running jobs hold, each counted once, and on a GPU what they
  /// need beside them, against the budget (0: no limit). What no job holds can be evicted and does
  /// not count. `coming_bytes`: of responses on their way for other jobs.
  bool fits_ever(const Demand& demand) const;
  bool fits_now(const Demand& demand, std::int64_t coming_bytes = 0) const;

  std::map<std::string, std::pair<int, std::int64_t>> held_keys;  ///< key: jobs, bytes
  std::int64_t held_bytes = 0;
  std::int64_t scratch_bytes = 0;  ///< on the GPU, beside responses, of leases that hold a slot
};

bool is_gpu(const std::string& device);

/// Workers, sessions and leases as data. Not thread safe; iteration is in name order.
class Fleet {
 public:
  WorkerRecord& add_worker(const std::string& name, const std::string& incarnation);
  WorkerRecord* worker(const std::string& name);
  const WorkerRecord* worker(const std::string& name) const;
  const std::map<std::string, WorkerRecord>& workers() const { return workers_; }
  void erase_worker(const std::string& name) { workers_.erase(name); }

  WorkerRecord* by_session(SessionId session);
  void bind_session(SessionId session, WorkerRecord& worker);
  void unbind_session(SessionId session);

  /// Puts the lease on record with its worker, which must exist.
  Lease& add_lease(Lease lease);
  Lease* lease(const std::string& job_id);
  const Lease* lease(const std::string& job_id) const;
  const std::map<std::string, Lease>& leases() const { return leases_; }
  void erase_lease(const std::string& job_id);

  /// The oldest waiting lease of a worker takes a slot that came free; nullptr where none waits or
  /// none is free.
  Lease* promote_prefetched(WorkerRecord& worker);

  v1::Worker view(const WorkerRecord& worker, Time now) const;

 private:
  std::map<std::string, WorkerRecord> workers_;
  std::map<SessionId, std::string> sessions_;
  std::map<std::string, Lease> leases_;  // by job
};

}  // namespace unfold::server
