#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "workers/compute/device.h"

/// Checks a CUDA runtime call; a macro for its file and line.
#define UNFOLD_CUDA(call) ::unfold::cuda::check((call), __FILE__, __LINE__)

namespace unfold::cuda {

/// Turns a failure into an exception, and clears the thread's last CUDA error.
inline void check(cudaError_t error, const char* file, int line) {
  if (error == cudaSuccess) return;
  cudaGetLastError();
  const std::string what = std::string(cudaGetErrorName(error)) + ": " + cudaGetErrorString(error) +
                           " at " + file + ":" + std::to_string(line);
  if (error == cudaErrorMemoryAllocation) throw compute::OutOfMemory(what);
  throw compute::DeviceError(what);
}

}  // namespace unfold::cuda
