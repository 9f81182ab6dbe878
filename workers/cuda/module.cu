#include <cstdio>
#include <cstring>
#include <exception>
#include <span>

#include "workers/cuda/build_id.h"
#include "workers/cuda/cuda_device.cuh"
#include "workers/cuda/module.h"
#include "workers/kernels/extraction/stamp_functor.h"

namespace unfold::cuda {
namespace {

Outcome failure(OutcomeCode code, const char* why) {
  Outcome outcome;
  outcome.code = code;
  std::snprintf(outcome.message, sizeof outcome.message, "%s", why);
  return outcome;
}

/// The one place where exceptions become outcomes.
template <class Work>
Outcome guarded(const Work& work) {
  try {
    work();
    return {};
  } catch (const compute::OutOfMemory& e) {
    return failure(OutcomeCode::kOutOfMemory, e.what());
  } catch (const std::exception& e) {
    return failure(OutcomeCode::kDeviceError, e.what());
  }
}

Outcome count_devices(int* count) {
  *count = 0;
  const cudaError_t error = cudaGetDeviceCount(count);
  if (error == cudaSuccess) return {};
  cudaGetLastError();
  return failure(OutcomeCode::kNoDevice, cudaGetErrorString(error));
}

Outcome describe(int ordinal, DeviceInfo* info) {
  return guarded([&] {
    cudaDeviceProp properties{};
    UNFOLD_CUDA(cudaGetDeviceProperties(&properties, ordinal));
    std::snprintf(info->name, sizeof info->name, "%s", properties.name);
    int at = 0;
    for (int i = 0; i < 16; ++i) {
      at += std::snprintf(info->uuid + at, sizeof info->uuid - static_cast<std::size_t>(at),
                          "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                          static_cast<unsigned char>(properties.uuid.bytes[i]));
    }
    info->memory_bytes = properties.totalGlobalMem;
    info->compute_major = properties.major;
    info->compute_minor = properties.minor;
  });
}

compute::Buffer<double, Cuda> uploaded(Cuda& device, const double* host, compute::Index n) {
  compute::Buffer<double, Cuda> buffer(device, n);
  buffer.upload({host, static_cast<std::size_t>(n)});
  return buffer;
}

Outcome make_stamps(int ordinal, const StampProblem* problem) {
  return guarded([&] {
    const StampProblem& p = *problem;
    Cuda device(ordinal);
    const compute::Index n_bin = static_cast<compute::Index>(p.n_fibre) * p.n_wave;
    auto coef =
        uploaded(device, p.coef, static_cast<compute::Index>(p.n_row) * p.n_fibre * p.n_coef);
    auto basis = uploaded(device, p.basis, static_cast<compute::Index>(p.n_coef) * p.n_wave);
    auto offset_x = uploaded(device, p.offset_x, n_bin);
    auto offset_y = uploaded(device, p.offset_y, n_bin);
    compute::Buffer<double, Cuda> stamps(device, n_bin * p.height * p.width);
    extraction::MakeStamp op;
    op.degree_x = p.degree_x;
    op.degree_y = p.degree_y;
    op.coef = coef.view(p.n_row, p.n_fibre, p.n_coef);
    op.basis = basis.view(p.n_coef, p.n_wave);
    op.offset_x = offset_x.view(p.n_fibre, p.n_wave);
    op.offset_y = offset_y.view(p.n_fibre, p.n_wave);
    op.stamps = stamps.view(p.n_fibre, p.n_wave, p.height, p.width);
    parallel_for(device, op.size(), op);
    stamps.download({p.stamps, static_cast<std::size_t>(stamps.size())});
  });
}

constexpr ModuleTable kTable{count_devices, describe, make_stamps};

}  // namespace
}  // namespace unfold::cuda

extern "C" __attribute__((visibility("default"))) const unfold::cuda::ModuleTable*
unfold_cuda_module(const char* build_id) {
  return std::strcmp(build_id, unfold::cuda::kBuildId) == 0 ? &unfold::cuda::kTable : nullptr;
}
