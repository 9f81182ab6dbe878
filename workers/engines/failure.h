#pragma once

#include <exception>
#include <new>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "unfold/v1/types.pb.h"

namespace unfold::engine {

/// The status of the exception being handled: ResourceExhausted/OUT_OF_MEMORY for std::bad_alloc
/// and compute::OutOfMemory, Internal/DEVICE_FAILED for compute::DeviceError, else
/// Internal/ENGINE_FAILED.
absl::Status status_of_exception();

/// Calls a stage of an engine; exceptions end here.
template <class Stage>
auto guarded(Stage stage) -> decltype(stage()) {
  try {
    return stage();
  } catch (...) {
    return status_of_exception();
  }
}

enum class Phase { kRead, kCompute, kWrite, kPublish };

/// Why an attempt failed, from its status: the one place that decides. By reason where it has one
/// (OUT_OF_MEMORY, RESPONSE_MEMORY, DISK_FULL, ...), then by code: what the caller gave is
/// input_error, what cannot be written is output_error, the rest is engine_error.
v1::ErrorClass classify(const absl::Status& status, Phase phase);

}  // namespace unfold::engine
