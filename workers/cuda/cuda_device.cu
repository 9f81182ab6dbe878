#include <cstdint>
#include <cstdio>

#include "workers/cuda/cuda_device.cuh"

namespace unfold::cuda {

Outcome Cuda::count(int* devices) {
  *devices = 0;
  const cudaError_t error = cudaGetDeviceCount(devices);
  if (error == cudaSuccess) return {};
  cudaGetLastError();
  return failure(OutcomeCode::kNoDevice, cudaGetErrorString(error));
}

namespace {

/// What cudaMallocAsync holds ready of memory that was given back.
std::size_t idle_in_pool(int ordinal) {
  cudaMemPool_t pool{};
  std::uint64_t reserved = 0, used = 0;
  UNFOLD_CUDA(cudaDeviceGetDefaultMemPool(&pool, ordinal));
  UNFOLD_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrReservedMemCurrent, &reserved));
  UNFOLD_CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  return reserved - used;
}

}  // namespace

void Cuda::describe(int ordinal, DeviceInfo* info) {
  cudaDeviceProp properties{};
  UNFOLD_CUDA(cudaGetDeviceProperties(&properties, ordinal));
  std::snprintf(info->name, sizeof info->name, "%s", properties.name);
  int at = 0;
  for (int i = 0; i < 16; ++i) {
    at += std::snprintf(info->uuid + at, sizeof info->uuid - static_cast<std::size_t>(at), "%s%02x",
                        i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                        static_cast<unsigned char>(properties.uuid.bytes[i]));
  }
  std::size_t free_bytes = 0, all_bytes = 0;
  UNFOLD_CUDA(cudaMemGetInfo(&free_bytes, &all_bytes));
  info->memory_bytes = all_bytes;
  info->free_bytes = free_bytes + idle_in_pool(ordinal);
  info->compute_major = properties.major;
  info->compute_minor = properties.minor;
}

}  // namespace unfold::cuda
