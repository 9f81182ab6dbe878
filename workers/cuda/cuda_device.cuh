#pragma once

#include <nvtx3/nvToolsExt.h>

#include <type_traits>
#include <utility>

#include "workers/compute/accelerator.h"
#include "workers/cuda/cuda_check.cuh"
#include "workers/cuda/outcome.h"

namespace unfold::cuda {

/// Owns one stream of one GPU. Move-only.
class Stream {
 public:
  explicit Stream(int ordinal) {
    UNFOLD_CUDA(cudaSetDevice(ordinal));
    UNFOLD_CUDA(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  /// Waits: what was given back to the pool on this stream then is there.
  ~Stream() {
    if (stream_ == nullptr) return;
    cudaStreamSynchronize(stream_);
    cudaStreamDestroy(stream_);
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

/// A point in a stream whose time is taken. Move-only.
class Event {
 public:
  Event() { UNFOLD_CUDA(cudaEventCreate(&event_)); }
  ~Event() {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Memory and order of one stream of one GPU: every call is queued on it, and copy_out and
/// synchronize wait for it. One thread at a time; the thread that calls must have made `ordinal`
/// its device (module_table.h does).
class Cuda {
 public:
  static constexpr compute::DeviceKind kKind = compute::DeviceKind::kCuda;
  using Mark = Event;

  explicit Cuda(int ordinal) : stream_(ordinal) {}

  static Outcome count(int* devices);
  static void describe(int ordinal, DeviceInfo* info);
  static void use(int ordinal) { UNFOLD_CUDA(cudaSetDevice(ordinal)); }

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
    queue_out(host, device, bytes);
    synchronize();
  }
  void queue_out(void* pinned, const void* device, std::size_t bytes) {
    UNFOLD_CUDA(cudaMemcpyAsync(pinned, device, bytes, cudaMemcpyDeviceToHost, stream_.get()));
  }
  void copy(void* to, const void* from, std::size_t bytes) {
    UNFOLD_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_.get()));
  }
  void clear(void* device, std::size_t bytes) {
    UNFOLD_CUDA(cudaMemsetAsync(device, 0, bytes, stream_.get()));
  }
  void synchronize() { UNFOLD_CUDA(cudaStreamSynchronize(stream_.get())); }

  void* allocate_pinned(std::size_t bytes) {
    void* p = nullptr;
    UNFOLD_CUDA(cudaMallocHost(&p, bytes == 0 ? 1 : bytes));
    return p;
  }
  void deallocate_pinned(void* p) noexcept { cudaFreeHost(p); }

  Mark mark() {
    Event event;
    UNFOLD_CUDA(cudaEventRecord(event.get(), stream_.get()));
    return event;
  }
  double seconds(const Mark& from, const Mark& to) {
    float milliseconds = 0;
    UNFOLD_CUDA(cudaEventElapsedTime(&milliseconds, from.get(), to.get()));
    return static_cast<double>(milliseconds) / 1000;
  }
  void push_name(const char* name) { nvtxRangePushA(name); }
  void pop_name() { nvtxRangePop(); }
  cudaStream_t stream() const { return stream_.get(); }

 private:
  Stream stream_;
};
static_assert(compute::Accelerator<Cuda>);

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
