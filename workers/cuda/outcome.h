#pragma once

#include <cstdio>
#include <exception>

#include "workers/compute/device.h"
#include "workers/cuda/module.h"

namespace unfold::cuda {

inline Outcome failure(OutcomeCode code, const char* why) {
  Outcome outcome;
  outcome.code = code;
  std::snprintf(outcome.message, sizeof outcome.message, "%s", why);
  return outcome;
}

/// The module's side: the one place where exceptions become outcomes. `work` runs with `ordinal`
/// as the thread's device.
template <class D, class Work>
Outcome guarded(int ordinal, const Work& work) {
  try {
    D::use(ordinal);
    work();
    return {};
  } catch (const compute::OutOfMemory& e) {
    return failure(OutcomeCode::kOutOfMemory, e.what());
  } catch (const std::exception& e) {
    return failure(OutcomeCode::kDeviceError, e.what());
  }
}

/// The worker's side: what is no success becomes an exception again.
inline void require(const Outcome& outcome) {
  if (outcome.code == OutcomeCode::kOk) return;
  if (outcome.code == OutcomeCode::kOutOfMemory) throw compute::OutOfMemory(outcome.message);
  throw compute::DeviceError(outcome.message);
}

}  // namespace unfold::cuda
