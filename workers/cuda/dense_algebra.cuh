#pragma once

#include <cusolverDn.h>

#include <string>
#include <utility>
#include <vector>

#include "workers/cuda/cuda_device.cuh"
#include "workers/kernels/extraction/device/dense_algebra.h"
#include "workers/kernels/extraction/device/workspace.h"

namespace unfold::cuda {

/// For UNFOLD_CUDA.
inline void check(cusolverStatus_t status, const char* file, int line) {
  if (status == CUSOLVER_STATUS_SUCCESS) return;
  const std::string what = "cuSOLVER: status " + std::to_string(static_cast<int>(status)) + " at " +
                           file + ":" + std::to_string(line);
  if (status == CUSOLVER_STATUS_ALLOC_FAILED) throw compute::OutOfMemory(what);
  throw compute::DeviceError(what);
}

/// Owns a cuSOLVER handle on a stream, and the parameters of its calls. Move-only.
class SolverHandle {
 public:
  explicit SolverHandle(Cuda& cuda) {
    UNFOLD_CUDA(cusolverDnCreate(&handle_));
    try {
      UNFOLD_CUDA(cusolverDnSetStream(handle_, cuda.stream()));
      UNFOLD_CUDA(cusolverDnSetDeterministicMode(handle_, CUSOLVER_DETERMINISTIC_RESULTS));
      UNFOLD_CUDA(cusolverDnCreateParams(&params_));
    } catch (...) {
      release();
      throw;
    }
  }
  ~SolverHandle() { release(); }
  SolverHandle(SolverHandle&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)),
        params_(std::exchange(other.params_, nullptr)) {}
  SolverHandle& operator=(SolverHandle&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(params_, other.params_);
    return *this;
  }
  SolverHandle(const SolverHandle&) = delete;
  SolverHandle& operator=(const SolverHandle&) = delete;

  cusolverDnHandle_t get() const { return handle_; }
  cusolverDnParams_t params() const { return params_; }

 private:
  void release() {
    if (params_ != nullptr) cusolverDnDestroyParams(params_);
    if (handle_ != nullptr) cusolverDnDestroy(handle_);
  }

  cusolverDnHandle_t handle_ = nullptr;
  cusolverDnParams_t params_ = nullptr;
};

/// A name for a profiler while it lives.
class NamedRange {
 public:
  NamedRange(Cuda& cuda, const char* name) : cuda_(cuda) { cuda_.push_name(name); }
  ~NamedRange() { cuda_.pop_name(); }
  NamedRange(const NamedRange&) = delete;
  NamedRange& operator=(const NamedRange&) = delete;

 private:
  Cuda& cuda_;
};

}  // namespace unfold::cuda

namespace unfold::extraction::device {

/// By cuSOLVER. Matrices are symmetric, so that its columns are our rows.
template <>
class DenseAlgebra<cuda::Cuda> {
 public:
  explicit DenseAlgebra(cuda::Cuda& device) : device_(&device), handle_(device) {}

  void solve(double* const* matrices, double* const* rhs, int n, int batch, int* failed) {
    const cuda::NamedRange range(*device_, "cusolver potrf");
    auto** m = const_cast<double**>(matrices);
    auto** b = const_cast<double**>(rhs);
    UNFOLD_CUDA(cusolverDnDpotrfBatched(handle_.get(), kTriangle, n, m, n, failed, batch));
    // It tells of wrong arguments only, which its status does, too.
    int* wrong = wrong_.reserve(*device_, 1);
    UNFOLD_CUDA(cusolverDnDpotrsBatched(handle_.get(), kTriangle, n, 1, m, n, b, n, wrong, batch));
  }

  /// Asked before there are matrices: whether null would do, the library does not say.
  std::size_t eigen_bytes(int n, int batch) {
    const void* anywhere = wrong_.reserve(*device_, 1);
    return sizes(n, batch, anywhere, anywhere).device;
  }

  void eigen(double* matrices, double* values, int n, int batch, int* failed) {
    const cuda::NamedRange range(*device_, "cusolver syevBatched");
    const Sizes need = sizes(n, batch, matrices, values);
    char* work = work_.reserve(*device_, static_cast<Index>(need.device));
    if (host_work_.size() < need.host) {
      device_->synchronize();  // nothing works there any more
      host_work_.resize(need.host);
    }
    UNFOLD_CUDA(cusolverDnXsyevBatched(handle_.get(), handle_.params(), CUSOLVER_EIG_MODE_VECTOR,
                                       kTriangle, n, CUDA_R_64F, matrices, n, CUDA_R_64F, values,
                                       CUDA_R_64F, work, need.device, host_work_.data(), need.host,
                                       failed, batch));
  }

  std::size_t bytes() const { return work_.bytes(); }

 private:
  static constexpr cublasFillMode_t kTriangle = CUBLAS_FILL_MODE_LOWER;
  struct Sizes {
    std::size_t device = 0, host = 0;
  };
  Sizes sizes(int n, int batch, const void* matrices, const void* values) {
    Sizes out;
    UNFOLD_CUDA(cusolverDnXsyevBatched_bufferSize(
        handle_.get(), handle_.params(), CUSOLVER_EIG_MODE_VECTOR, kTriangle, n, CUDA_R_64F,
        matrices, n, CUDA_R_64F, values, CUDA_R_64F, &out.device, &out.host, batch));
    return out;
  }

  cuda::Cuda* device_;
  cuda::SolverHandle handle_;
  Kept<int, cuda::Cuda> wrong_;
  Kept<char, cuda::Cuda> work_;
  std::vector<char> host_work_;
};

}  // namespace unfold::extraction::device
