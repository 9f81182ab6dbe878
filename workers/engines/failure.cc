#include "workers/engines/failure.h"

#include <map>
#include <stdexcept>
#include <string>

#include "common/base/error.h"
#include "workers/compute/device.h"

namespace unfold::engine {
namespace {

v1::ErrorClass by_code(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDataLoss:
      return v1::ERROR_CLASS_INPUT_ERROR;
    case absl::StatusCode::kResourceExhausted:
      return v1::ERROR_CLASS_OUT_OF_MEMORY;
    default:
      return v1::ERROR_CLASS_ENGINE_ERROR;
  }
}

absl::Status out_of_memory(const char* why) {
  return error({.code = absl::StatusCode::kResourceExhausted,
                .reason = "OUT_OF_MEMORY",
                .field = "",
                .what = "the job did not fit into memory",
                .why = why,
                .remedy = "run fewer slots, or on a larger worker"});
}

absl::Status engine_failed(const char* why) {
  return error({.code = absl::StatusCode::kInternal,
                .reason = "ENGINE_FAILED",
                .field = "",
                .what = "the engine failed",
                .why = why,
                .remedy = ""});
}

absl::Status device_failed(const char* why) {
  return error({.code = absl::StatusCode::kInternal,
                .reason = "DEVICE_FAILED",
                .field = "",
                .what = "the GPU failed",
                .why = why,
                .remedy = "its worker starts anew; look at the GPU if it happens again"});
}

}  // namespace

absl::Status status_of_exception() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return out_of_memory("an allocation failed");
  } catch (const compute::OutOfMemory& failure) {
    return out_of_memory(failure.what());
  } catch (const compute::DeviceError& failure) {
    return device_failed(failure.what());
  } catch (const std::exception& failure) {
    return engine_failed(failure.what());
  } catch (...) {
    return engine_failed("an unknown exception");
  }
}

v1::ErrorClass classify(const absl::Status& status, Phase phase) {
  static const auto& by_reason = *new std::map<std::string, v1::ErrorClass>{
      {"OUT_OF_MEMORY", v1::ERROR_CLASS_OUT_OF_MEMORY},
      {"RESPONSE_MEMORY", v1::ERROR_CLASS_OUT_OF_MEMORY},
      {"DEVICE_FAILED", v1::ERROR_CLASS_DEVICE_ERROR},
      {"ENGINE_FAILED", v1::ERROR_CLASS_ENGINE_ERROR},
      {"BAD_PRODUCT", v1::ERROR_CLASS_ENGINE_ERROR},
      {"DISK_FULL", v1::ERROR_CLASS_OUTPUT_ERROR},
      {"OUTPUT_IO", v1::ERROR_CLASS_OUTPUT_ERROR},
      {"OUTPUT_EXISTS", v1::ERROR_CLASS_OUTPUT_ERROR},
      {"OUTPUT_FOLDER_MISSING", v1::ERROR_CLASS_OUTPUT_ERROR},
      {"READ_ONLY_ROOT", v1::ERROR_CLASS_OUTPUT_ERROR},
      {"CROSS_DEVICE", v1::ERROR_CLASS_OUTPUT_ERROR},
      {"WRITE_FAILED", v1::ERROR_CLASS_OUTPUT_ERROR}};
  if (absl::IsCancelled(status)) return v1::ERROR_CLASS_CANCELLED;
  if (absl::IsAborted(status)) return v1::ERROR_CLASS_WORKER_LOST;  // fenced, or out of lease
  if (const auto known = by_reason.find(reason_of(status)); known != by_reason.end()) {
    return known->second;
  }
  const bool output = phase == Phase::kWrite || phase == Phase::kPublish;
  return output ? v1::ERROR_CLASS_OUTPUT_ERROR : by_code(status.code());
}

}  // namespace unfold::engine
