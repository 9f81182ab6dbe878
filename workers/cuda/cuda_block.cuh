#pragma once

#include "workers/compute/block.h"
#include "workers/cuda/cuda_device.cuh"

/// Blocks of compute/block.h on a GPU.
namespace unfold::cuda {

/// One T a thread: a register.
template <class T>
class InRegister {
 public:
  __device__ T& operator()(int) { return value_; }
  __device__ const T& operator()(int) const { return value_; }

 private:
  T value_;
};

template <class T, class Combine>
__device__ T over_warp(T value, const Combine& combine) {
  for (int apart = compute::kWarp / 2; apart > 0; apart /= 2) {
    value = combine(value, __shfl_xor_sync(0xffffffffu, value, apart));
  }
  return value;
}

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b ? a : b;
  }
};

/// f(i, thread), or f(i) where it takes no more.
template <class F>
__device__ void call(const F& f, compute::Index i, int thread) {
  if constexpr (std::is_invocable_v<const F&, compute::Index, int>) {
    f(i, thread);
  } else {
    f(i);
  }
}

template <int kThreads>
class Warp {
 public:
  __device__ int index() const { return static_cast<int>(threadIdx.x) / compute::kWarp; }
  __device__ static constexpr int count() { return kThreads / compute::kWarp; }
  template <class T>
  __device__ InRegister<T> per_lane() const {
    return {};
  }
  template <class F>
  __device__ void each_lane(const F& f) const {
    f(lane());
    __syncwarp();
  }
  template <class F>
  __device__ void for_each(compute::Index n, const F& f) const {
    for (compute::Index i = lane(); i < n; i += compute::kWarp) cuda::call(f, i, lane());
    __syncwarp();
  }
  template <class T>
  __device__ T sum(const InRegister<T>& p) const {
    return cuda::over_warp(p(0), Plus());
  }
  template <class T>
  __device__ T max(const InRegister<T>& p) const {
    return cuda::over_warp(p(0), Larger());
  }

 private:
  __device__ static int lane() { return static_cast<int>(threadIdx.x) % compute::kWarp; }
};

template <int kThreads>
class Block {
 public:
  __device__ explicit Block(char* shared) : shared_(shared) {}
  __device__ compute::Index index() const { return static_cast<compute::Index>(blockIdx.x); }

  template <class T>
  __device__ T* shared(compute::Index n) {
    T* p = reinterpret_cast<T*>(shared_);
    shared_ += compute::shared_size<T>(n);
    return p;
  }
  template <class T>
  __device__ InRegister<T> per_thread() const {
    return {};
  }
  template <class F>
  __device__ void each_thread(const F& f) const {
    f(thread());
    __syncthreads();
  }
  template <class F>
  __device__ void for_each(compute::Index n, const F& f) const {
    for (compute::Index i = thread(); i < n; i += kThreads) cuda::call(f, i, thread());
    __syncthreads();
  }
  template <class F>
  __device__ void each_warp(const F& f) const {
    f(Warp<kThreads>());
    __syncthreads();
  }
  template <class T>
  __device__ T sum(const InRegister<T>& p) {
    return over_block(p(0), Plus());
  }
  template <class T>
  __device__ T max(const InRegister<T>& p) {
    return over_block(p(0), Larger());
  }

 private:
  __device__ static int thread() { return static_cast<int>(threadIdx.x); }

  template <class T, class Combine>
  __device__ T over_block(T value, const Combine& combine) {
    static_assert(sizeof(T) * compute::kWarp <= compute::kReductionBytes);
    if (reduction_ == nullptr) {
      reduction_ = shared<char>(static_cast<compute::Index>(compute::kReductionBytes));
    }
    T* part = reinterpret_cast<T*>(reduction_);
    constexpr int kWarps = kThreads / compute::kWarp;
    value = cuda::over_warp(value, combine);
    if (thread() % compute::kWarp == 0) part[thread() / compute::kWarp] = value;
    __syncthreads();
    T total = part[0];
    for (int w = 1; w < kWarps; ++w) total = combine(total, part[w]);
    __syncthreads();
    return total;
  }

  char* shared_;
  char* reduction_ = nullptr;
};

template <class Kernel>
__global__ __launch_bounds__(Kernel::kThreads) void run_blocks(const Kernel kernel) {
  extern __shared__ __align__(16) char shared[];
  Block<Kernel::kThreads> block(shared);
  kernel(block);
}

/// compute/block.h. Queued; it does not wait.
template <class Kernel>
void launch(Cuda& cuda, const Kernel& kernel) {
  static_assert(std::is_trivially_copyable_v<Kernel>, "a kernel is passed by value");
  static_assert(Kernel::kThreads % compute::kWarp == 0 &&
                Kernel::kThreads <= compute::kMostThreads);
  const compute::Index blocks = kernel.blocks();
  if (blocks == 0) return;
  const std::size_t shared = kernel.shared_bytes();
  constexpr std::size_t kWithoutAsking = 48 * 1024;
  if (shared > kWithoutAsking) {
    UNFOLD_CUDA(cudaFuncSetAttribute(
        run_blocks<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared)));
  }
  run_blocks<<<static_cast<unsigned>(blocks), static_cast<unsigned>(Kernel::kThreads), shared,
               cuda.stream()>>>(kernel);
  UNFOLD_CUDA(cudaGetLastError());
}

}  // namespace unfold::cuda
