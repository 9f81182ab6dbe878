#pragma once

#include <array>

#include "workers/compute/accelerator.h"

/// Transforms by the library of a device: cuFFT for GPUs (workers/cuda/cuda_fft.cuh), FFTW for
/// emulated ones (tests/support/emulated_fft.h), which specialise these. Row-major, unscaled; a
/// complex number is two Reals side by side. Calls are queued. A plan's work space is the device's
/// and freed with it.
namespace unfold::nufft {

using compute::Index;
using Edges = std::array<Index, 3>;

/// `batch` cubes [n0, n1, n2], one after the other, in place: out[k] = sum_n in[n]
/// exp(sign 2 pi i k.n/N).
///   DeviceComplexFft(D&, const Edges& n, Index batch)
///   void operator()(Real* data, int sign)
template <class D, class Real>
class DeviceComplexFft;

/// The same between real [batch, n0, n1, n2] and halves [batch, n0, n1, n2 / 2 + 1], out of place.
///   DeviceRealFft(D&, const Edges& n, Index batch)
///   void forward(const Real* in, Real* half)     exp(-i ..); `in` is kept
///   void backward(Real* half, Real* out)         exp(+i ..); `half` is destroyed
template <class D, class Real>
class DeviceRealFft;

/// Elements of one half.
inline Index half_size(const Edges& n) { return n[0] * n[1] * (n[2] / 2 + 1); }

}  // namespace unfold::nufft
