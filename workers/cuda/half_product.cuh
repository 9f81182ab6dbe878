#pragma once

#include <cublas_v2.h>

#include <string>
#include <utility>

#include "workers/cuda/cuda_device.cuh"
#include "workers/kernels/spi/device/half_product.h"

namespace unfold::spi {

inline void check_cublas(cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  if (status == CUBLAS_STATUS_ALLOC_FAILED) throw compute::OutOfMemory("no memory for cuBLAS");
  throw compute::DeviceError(std::string("cuBLAS: ") + cublasGetStatusString(status));
}

/// By cuBLAS on the device's stream. Atomics stay off, as they are by default: the same bits.
template <>
class HalfProduct<cuda::Cuda> {
 public:
  explicit HalfProduct(cuda::Cuda& device) {
    check_cublas(cublasCreate(&handle_));
    const cublasStatus_t status = cublasSetStream(handle_, device.stream());
    if (status != CUBLAS_STATUS_SUCCESS) cublasDestroy(handle_);
    check_cublas(status);
  }
  ~HalfProduct() { cublasDestroy(handle_); }
  HalfProduct(const HalfProduct&) = delete;
  HalfProduct& operator=(const HalfProduct&) = delete;

  void operator()(View<const std::uint16_t, 2> a, View<const std::uint16_t, 2> b, float* out,
                  Index stride) {
    // Column by column: out^T = b a^T, where rows of ours are columns of theirs.
    const float one = 1, zero = 0;
    const int n = static_cast<int>(a.extent[0]), m = static_cast<int>(b.extent[0]),
              depth = static_cast<int>(a.extent[1]);
    check_cublas(cublasGemmEx(handle_, CUBLAS_OP_T, CUBLAS_OP_N, m, n, depth, &one, b.data,
                              CUDA_R_16F, depth, a.data, CUDA_R_16F, depth, &zero, out, CUDA_R_32F,
                              static_cast<int>(stride), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  }

 private:
  cublasHandle_t handle_ = nullptr;
};

}  // namespace unfold::spi
