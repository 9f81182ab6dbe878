#pragma once

namespace unfold::cuda {

inline constexpr int kMessageSize = 256;

enum class OutcomeCode : int { kOk = 0, kNoDevice = 1, kOutOfMemory = 2, kDeviceError = 3 };

struct Outcome {
  OutcomeCode code = OutcomeCode::kOk;
  char message[kMessageSize] = {};
};

struct DeviceInfo {
  char name[kMessageSize];
  char uuid[40];
  unsigned long long memory_bytes;
  unsigned long long free_bytes;  ///< at the time of the call
  int compute_major, compute_minor;
};

}  // namespace unfold::cuda
