#pragma once

#include <type_traits>
#include <utility>

#include "workers/compute/device.h"
#include "workers/cuda/cuda_check.cuh"

namespace unfold::cuda {

/// Owns one stream of one GPU. Move-only.
class Stream {
 public:
  explicit Stream(int ordinal) {
    UNFOLD_CUDA(cudaSetDevice(ordinal));
    UNFOLD_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  ~Stream() {
    if (stream_ != nullptr) cudaStreamDestroy(stream_);
  }
  Stream(Stream&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  Stream& operator=(Stream&& other) noexcept {
    std::swap(stream_, other.stream_);
    return *this;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

/// Memory and order of one stream of one GPU: every call is queued on it, and copy_out and
/// synchronize wait for it. One thread at a time.
class Cuda {
 public:
  static constexpr compute::DeviceKind kKind = compute::DeviceKind::kCuda;

  explicit Cuda(int ordinal) : stream_(ordinal) {}

  void* allocate(std::size_t bytes) {
    void* p = nullptr;
    UNFOLD_CUDA(cudaMallocAsync(&p, bytes == 0 ? 1 : bytes, stream_.get()));
    return p;
  }
  void deallocate(void* p) noexcept { cudaFreeAsync(p, stream_.get()); }
  void copy_in(void* device, const void* host, std::size_t bytes) {
    UNFOLD_CUDA(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, stream_.get()));
  }
  void copy_out(void* host, const void* device, std::size_t bytes) {
    UNFOLD_CUDA(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_.get()));
    synchronize();
  }
  void synchronize() { UNFOLD_CUDA(cudaStreamSynchronize(stream_.get())); }
  cudaStream_t stream() const { return stream_.get(); }

 private:
  Stream stream_;
};
static_assert(compute::Device<Cuda>);

template <class Body>
__global__ void for_each_index(compute::Index n, Body body) {
  const compute::Index i = static_cast<compute::Index>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i < n) body(i);
}

/// Same contract as parallel_for(Cpu&, ...), but queued: it does not wait.
template <class Body>
void parallel_for(Cuda& cuda, compute::Index n, const Body& body) {
  static_assert(std::is_trivially_copyable_v<Body>, "a kernel body is passed by value");
  constexpr compute::Index kThreads = 128;
  if (n == 0) return;
  const auto blocks = static_cast<unsigned>((n + kThreads - 1) / kThreads);
  for_each_index<<<blocks, static_cast<unsigned>(kThreads), 0, cuda.stream()>>>(n, body);
  UNFOLD_CUDA(cudaGetLastError());
}

}  // namespace unfold::cuda
