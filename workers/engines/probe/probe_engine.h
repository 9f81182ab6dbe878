#pragma once

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// Sleeps, allocates, fails, crashes or hangs as a ProbeSpec says, for tests and marks of the
/// service. Reports progress at least every 50 ms of pretended work. Faults occur half way through
/// the run, in the attempts that the specification names; FAULT_HANG does not heed cancellation, as
/// a real hang would not. The product is `output_bytes` bytes of a fixed pattern. It pretends to
/// compute on `device`, of which it touches nothing.
std::unique_ptr<Engine> make_probe_engine(std::shared_ptr<const Clock> clock,
                                          std::string device = "cpu");

}  // namespace unfold::engine
