#pragma once

#include <fftw3.h>

#include <complex>
#include <mutex>
#include <utility>

#include "workers/nufft/fft.h"

namespace unfold::nufft {

/// FFTW's two sets of names under one.
template <class Real>
struct Fftw;

template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Complex = fftw_complex;
  using Dim = fftw_iodim64;
  static constexpr auto guru = fftw_plan_guru64_dft;
  static constexpr auto guru_r2c = fftw_plan_guru64_dft_r2c;
  static constexpr auto guru_c2r = fftw_plan_guru64_dft_c2r;
  static constexpr auto execute = fftw_execute_dft;
  static constexpr auto execute_r2c = fftw_execute_dft_r2c;
  static constexpr auto execute_c2r = fftw_execute_dft_c2r;
  static constexpr auto destroy = fftw_destroy_plan;
  static constexpr auto alignment = fftw_alignment_of;
};

template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Complex = fftwf_complex;
  using Dim = fftwf_iodim64;
  static constexpr auto guru = fftwf_plan_guru64_dft;
  static constexpr auto guru_r2c = fftwf_plan_guru64_dft_r2c;
  static constexpr auto guru_c2r = fftwf_plan_guru64_dft_c2r;
  static constexpr auto execute = fftwf_execute_dft;
  static constexpr auto execute_r2c = fftwf_execute_dft_r2c;
  static constexpr auto execute_c2r = fftwf_execute_dft_c2r;
  static constexpr auto destroy = fftwf_destroy_plan;
  static constexpr auto alignment = fftwf_alignment_of;
};

template <class Real>
typename Fftw<Real>::Complex* fftw_cast(std::complex<Real>* p) {
  return reinterpret_cast<typename Fftw<Real>::Complex*>(p);
}

/// Owns one FFTW plan. Made under planner_lock() by the caller; destroyed under it here.
template <class Real>
class FftwPlan {
 public:
  FftwPlan() = default;
  explicit FftwPlan(typename Fftw<Real>::Plan plan) : plan_(plan) {}
  ~FftwPlan() {
    if (plan_ == nullptr) return;
    const std::lock_guard lock(planner_lock());
    Fftw<Real>::destroy(plan_);
  }
  FftwPlan(FftwPlan&& other) noexcept : plan_(std::exchange(other.plan_, nullptr)) {}
  FftwPlan& operator=(FftwPlan&& other) noexcept {
    std::swap(plan_, other.plan_);
    return *this;
  }
  typename Fftw<Real>::Plan get() const { return plan_; }

 private:
  typename Fftw<Real>::Plan plan_ = nullptr;
};

}  // namespace unfold::nufft
