#pragma once

#include <cufft.h>

#include <algorithm>
#include <string>
#include <utility>

#include "workers/cuda/cuda_device.cuh"
#include "workers/nufft/device/fft.h"

namespace unfold::cuda {

inline void require_fft(cufftResult result, const char* what) {
  if (result == CUFFT_SUCCESS) return;
  if (result == CUFFT_ALLOC_FAILED) throw compute::OutOfMemory("cuFFT: no memory on the device");
  throw compute::DeviceError(std::string("cuFFT: ") + what + " failed with code " +
                             std::to_string(static_cast<int>(result)));
}

/// Owns one cuFFT plan of three dimensions on a stream. Several share a work space of the caller's.
class FftPlan {
 public:
  FftPlan(Cuda& cuda, const nufft::Edges& n, compute::Index batch, cufftType type) {
    require_fft(cufftCreate(&plan_), "cufftCreate");
    try {
      require_fft(cufftSetAutoAllocation(plan_, 0), "cufftSetAutoAllocation");
      long long edges[] = {n[0], n[1], n[2]};
      require_fft(cufftMakePlanMany64(plan_, 3, edges, nullptr, 1, 0, nullptr, 1, 0, type, batch,
                                      &work_bytes_),
                  "cufftMakePlanMany64");
      require_fft(cufftSetStream(plan_, cuda.stream()), "cufftSetStream");
    } catch (...) {
      cufftDestroy(plan_);
      throw;
    }
  }
  ~FftPlan() {
    if (owned_) cufftDestroy(plan_);
  }
  FftPlan(FftPlan&& other) noexcept
      : plan_(other.plan_),
        work_bytes_(other.work_bytes_),
        owned_(std::exchange(other.owned_, false)) {}
  FftPlan(const FftPlan&) = delete;
  FftPlan& operator=(const FftPlan&) = delete;
  FftPlan& operator=(FftPlan&&) = delete;

  std::size_t work_bytes() const { return work_bytes_; }
  void work_in(void* area) { require_fft(cufftSetWorkArea(plan_, area), "cufftSetWorkArea"); }
  cufftHandle get() const { return plan_; }

 private:
  cufftHandle plan_ = 0;
  std::size_t work_bytes_ = 0;
  bool owned_ = true;
};

/// cuFFT's two sets of names under one.
template <class Real>
struct FftNames;
template <>
struct FftNames<float> {
  static constexpr cufftType kComplex = CUFFT_C2C, kForward = CUFFT_R2C, kBackward = CUFFT_C2R;
  using Complex = cufftComplex;
  static constexpr auto complex = cufftExecC2C;
  static constexpr auto forward = cufftExecR2C;
  static constexpr auto backward = cufftExecC2R;
};
template <>
struct FftNames<double> {
  static constexpr cufftType kComplex = CUFFT_Z2Z, kForward = CUFFT_D2Z, kBackward = CUFFT_Z2D;
  using Complex = cufftDoubleComplex;
  static constexpr auto complex = cufftExecZ2Z;
  static constexpr auto forward = cufftExecD2Z;
  static constexpr auto backward = cufftExecZ2D;
};

}  // namespace unfold::cuda

namespace unfold::nufft {

template <class Real>
class DeviceComplexFft<cuda::Cuda, Real> {
 public:
  DeviceComplexFft(cuda::Cuda& cuda, const Edges& n, Index batch)
      : plan_(cuda, n, batch, Names::kComplex),
        work_(cuda, static_cast<Index>(plan_.work_bytes())) {
    plan_.work_in(work_.view(work_.size()).data);
  }
  void operator()(Real* data, int sign) {
    auto* at = reinterpret_cast<typename Names::Complex*>(data);
    cuda::require_fft(Names::complex(plan_.get(), at, at, sign < 0 ? CUFFT_FORWARD : CUFFT_INVERSE),
                      "a complex transform");
  }

 private:
  using Names = cuda::FftNames<Real>;
  cuda::FftPlan plan_;
  compute::Buffer<char, cuda::Cuda> work_;
};

template <class Real>
class DeviceRealFft<cuda::Cuda, Real> {
 public:
  DeviceRealFft(cuda::Cuda& cuda, const Edges& n, Index batch)
      : forward_(cuda, n, batch, Names::kForward),
        backward_(cuda, n, batch, Names::kBackward),
        work_(cuda, static_cast<Index>(std::max(forward_.work_bytes(), backward_.work_bytes()))) {
    forward_.work_in(work_.view(work_.size()).data);
    backward_.work_in(work_.view(work_.size()).data);
  }
  void forward(const Real* in, Real* half) {
    cuda::require_fft(Names::forward(forward_.get(), const_cast<Real*>(in),
                                     reinterpret_cast<typename Names::Complex*>(half)),
                      "a real transform");
  }
  void backward(Real* half, Real* out) {
    cuda::require_fft(
        Names::backward(backward_.get(), reinterpret_cast<typename Names::Complex*>(half), out),
        "a transform to real numbers");
  }

 private:
  using Names = cuda::FftNames<Real>;
  cuda::FftPlan forward_, backward_;
  compute::Buffer<char, cuda::Cuda> work_;
};

}  // namespace unfold::nufft
