#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "unfold/v1/exposure_service.pb.h"
#include "unfold/v1/types.pb.h"

namespace unfold::server {

/// What happened to a job, for people and for the audit.
struct JobEvent {
  std::string job_id;
  std::int64_t unix_ns = 0;
  std::string level;  ///< "info", "warning", "error"
  std::string message;
  int attempt = 0;
  std::string worker;
};

/// A lease as the store keeps it: who may run a job, so that a restarted scheduler can adopt.
struct LeaseRow {
  std::string job_id;
  std::string lease_id;
  std::string worker;
  std::string incarnation;
  std::int64_t fence = 0;
  std::int32_t attempt = 0;
  bool prefetch = false;  ///< waits for a slot of its worker
};

/// An intent to publish on record.
struct IntentRow {
  std::string job_id;
  std::int64_t fence = 0;
  std::vector<v1::OutputFile> outputs;
};

struct PutJob {
  v1::Job job;  ///< whole; its revision is new
};
struct PutRequest {  ///< memory of a request_id, kept for kRequestMemoryNs
  std::string caller;
  std::string request_id;
  std::string digest;
  std::string job_id;  ///< or the exposure's id
  std::int64_t unix_ns = 0;
};
struct PutExposure {
  v1::Exposure exposure;
};
struct PutLease {
  LeaseRow lease;
};
struct DropLease {
  std::string job_id;
};
/// Conditional: the transaction is refused (Aborted, reason FENCED) unless the job's lease row
/// carries this very fence. The core has checked already; this is the last word.
struct PutIntent {
  IntentRow intent;
};
struct PutFence {  ///< the last fence given out
  std::int64_t fence = 0;
};
struct PutDrain {  ///< an operator's order outlives both daemons
  std::string worker;
  bool draining = false;
};

using StoreWrite = std::variant<PutJob, PutRequest, PutExposure, PutLease, DropLease, PutIntent,
                                PutFence, PutDrain>;

/// What a store answers to a PutIntent whose fence is not the lease's: Aborted, reason FENCED.
absl::Status fenced_off(const IntentRow& intent);

inline constexpr std::int64_t kRequestMemoryNs = 7LL * 24 * 3600 * 1'000'000'000;

/// All that Core needs to go on after a restart.
struct Snapshot {
  std::vector<v1::Job> live_jobs;  ///< every job that is not final, oldest first
  std::vector<LeaseRow> leases;
  std::vector<IntentRow> intents;    ///< of live jobs
  std::vector<PutRequest> requests;  ///< oldest first
  std::vector<std::string> draining_workers;
  std::int64_t last_fence = 0;
  std::int64_t last_revision = 0;
};

}  // namespace unfold::server
