#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "workers/agent/session_core.h"

namespace unfold::agent {

/// What running work asks of, and tells, the one who holds its lease. Thread safe.
class Supervisor {
 public:
  virtual ~Supervisor() = default;
  /// Waits until work may begin something with a side effect (the lease is fresh). Cancelled when
  /// the work was told to stop.
  virtual absl::Status wait_until_permitted(std::int64_t fence) = 0;
  virtual bool lease_alive(std::int64_t fence) = 0;
  /// Puts the intent to publish on the scheduler's record and waits for its answer, over lost
  /// sessions if need be. Aborted when fenced, Cancelled when told to stop.
  virtual absl::Status request_intent(std::int64_t fence,
                                      const std::vector<v1::OutputFile>& outputs) = 0;
  virtual void phase(std::int64_t fence, Phase phase) = 0;
  virtual void progress(std::int64_t fence, const v1::Progress& progress) = 0;
  virtual void response_ready(std::int64_t fence, const Ready& ready) = 0;
  virtual void ended(std::int64_t fence, Outcome outcome) = 0;
};

}  // namespace unfold::agent
