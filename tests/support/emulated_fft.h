#pragma once

#include <concepts>
#include <mutex>

#include "tests/support/emulated_device.h"
#include "workers/nufft/device/fft.h"
#include "workers/nufft/fftw.h"

/// workers/nufft/device/fft.h on emulated devices, by FFTW.
namespace unfold::nufft {

template <class Real>
using FftDims = std::array<typename Fftw<Real>::Dim, 3>;

/// Row-major; rows of `in` and `out` elements.
template <class Real>
FftDims<Real> emulated_dims(const Edges& n, Index in, Index out) {
  return {{{n[0], n[1] * in, n[1] * out}, {n[1], in, out}, {n[2], 1, 1}}};
}

/// Data of the emulated device lie on 16 bytes, cubes of a batch anywhere.
inline constexpr unsigned kEmulatedFftFlags = FFTW_ESTIMATE | FFTW_UNALIGNED;

template <std::derived_from<test::Emulated> D, class Real>
class DeviceComplexFft<D, Real> {
 public:
  DeviceComplexFft(D& device, const Edges& n, Index batch) {
    const Index size = n[0] * n[1] * n[2];
    const auto dims = emulated_dims<Real>(n, n[2], n[2]);
    const typename Fftw<Real>::Dim many{batch, size, size};
    compute::Buffer<std::complex<Real>, D> scratch(device, batch * size);
    auto* data = fftw_cast(scratch.view(batch * size).data);
    const std::lock_guard lock(planner_lock());
    forward_ = FftwPlan<Real>(
        Fftw<Real>::guru(3, dims.data(), 1, &many, data, data, FFTW_FORWARD, kEmulatedFftFlags));
    backward_ = FftwPlan<Real>(
        Fftw<Real>::guru(3, dims.data(), 1, &many, data, data, FFTW_BACKWARD, kEmulatedFftFlags));
  }
  void operator()(Real* data, int sign) {
    auto* at = reinterpret_cast<typename Fftw<Real>::Complex*>(data);
    Fftw<Real>::execute((sign < 0 ? forward_ : backward_).get(), at, at);
  }

 private:
  FftwPlan<Real> forward_, backward_;
};

template <std::derived_from<test::Emulated> D, class Real>
class DeviceRealFft<D, Real> {
 public:
  DeviceRealFft(D& device, const Edges& n, Index batch) {
    const Index size = n[0] * n[1] * n[2], row = n[2] / 2 + 1, half = half_size(n);
    const auto there = emulated_dims<Real>(n, n[2], row), back = emulated_dims<Real>(n, row, n[2]);
    const typename Fftw<Real>::Dim many{batch, size, half}, many_back{batch, half, size};
    compute::Buffer<Real, D> real(device, batch * size);
    compute::Buffer<std::complex<Real>, D> modes(device, batch * half);
    auto* in = real.view(batch * size).data;
    auto* out = fftw_cast(modes.view(batch * half).data);
    const std::lock_guard lock(planner_lock());
    forward_ = FftwPlan<Real>(Fftw<Real>::guru_r2c(3, there.data(), 1, &many, in, out,
                                                   kEmulatedFftFlags | FFTW_PRESERVE_INPUT));
    backward_ = FftwPlan<Real>(
        Fftw<Real>::guru_c2r(3, back.data(), 1, &many_back, out, in, kEmulatedFftFlags));
  }
  void forward(const Real* in, Real* half) {
    Fftw<Real>::execute_r2c(forward_.get(), const_cast<Real*>(in), cast(half));
  }
  void backward(Real* half, Real* out) {
    Fftw<Real>::execute_c2r(backward_.get(), cast(half), out);
  }

 private:
  static auto* cast(Real* half) { return reinterpret_cast<typename Fftw<Real>::Complex*>(half); }
  FftwPlan<Real> forward_, backward_;
};

}  // namespace unfold::nufft
