#include "workers/nufft/fft.h"

#include <stdexcept>
#include <string>

#include "workers/nufft/fftw.h"

namespace unfold::nufft {
namespace {

using Shape = std::array<Index, 3>;

template <class Real>
using Dims = std::array<typename Fftw<Real>::Dim, 3>;

/// Row-major strides; `last_in` and `last_out` elements along the last axis.
template <class Real>
Dims<Real> dims_of(const Shape& n, Index last_in, Index last_out) {
  return {{{n[0], n[1] * last_in, n[1] * last_out}, {n[1], last_in, last_out}, {n[2], 1, 1}}};
}

void check(const Shape& shape) {
  for (const Index n : shape)
    if (n < 1) {
      std::string problem = "an FFT of size ";
      problem += std::to_string(n);
      throw std::invalid_argument(problem + " (sizes are positive) [give at least 1]");
    }
}

template <class Real>
void check_border(const void* data) {
  // What the plan was made for: FFTW may use aligned vectors.
  auto* start = const_cast<Real*>(static_cast<const Real*>(data));
  if (Fftw<Real>::alignment(start) != 0)
    throw std::invalid_argument(
        "FFT data lie off FFTW's border (aligned vectors are used) [take an FftBuffer]");
}

template <class Real>
FftwPlan<Real> checked(typename Fftw<Real>::Plan plan) {
  if (plan == nullptr)
    throw std::invalid_argument("FFTW made no plan (it refused the shape) [take another shape]");
  return FftwPlan<Real>(plan);
}

}  // namespace

std::mutex& planner_lock() {
  static std::mutex lock;
  return lock;
}

template <class Real>
struct ComplexFft<Real>::Plans {
  FftwPlan<Real> forward, backward;
};

template <class Real>
ComplexFft<Real>::ComplexFft(const Shape& shape) : plans_(std::make_unique<Plans>()) {
  check(shape);
  const Dims<Real> dims = dims_of<Real>(shape, shape[2], shape[2]);
  FftBuffer<std::complex<Real>> scratch(shape[0] * shape[1] * shape[2]);
  auto* data = fftw_cast(scratch.data());
  const std::lock_guard lock(planner_lock());
  const auto made = [&](int sign) {
    return Fftw<Real>::guru(3, dims.data(), 0, nullptr, data, data, sign, FFTW_ESTIMATE);
  };
  plans_->forward = checked<Real>(made(FFTW_FORWARD));
  plans_->backward = checked<Real>(made(FFTW_BACKWARD));
}

template <class Real>
ComplexFft<Real>::~ComplexFft() = default;
template <class Real>
ComplexFft<Real>::ComplexFft(ComplexFft&&) noexcept = default;
template <class Real>
ComplexFft<Real>& ComplexFft<Real>::operator=(ComplexFft&&) noexcept = default;

template <class Real>
void ComplexFft<Real>::forward(std::complex<Real>* data) const {
  check_border<Real>(data);
  Fftw<Real>::execute(plans_->forward.get(), fftw_cast(data), fftw_cast(data));
}

template <class Real>
void ComplexFft<Real>::backward(std::complex<Real>* data) const {
  check_border<Real>(data);
  Fftw<Real>::execute(plans_->backward.get(), fftw_cast(data), fftw_cast(data));
}

template <class Real>
struct RealFft<Real>::Plans {
  FftwPlan<Real> forward, backward;
  Index half_size = 0;
};

template <class Real>
RealFft<Real>::RealFft(const Shape& shape) : plans_(std::make_unique<Plans>()) {
  check(shape);
  const Index half = shape[2] / 2 + 1;
  plans_->half_size = shape[0] * shape[1] * half;
  const Dims<Real> to_half = dims_of<Real>(shape, shape[2], half);
  const Dims<Real> from_half = dims_of<Real>(shape, half, shape[2]);
  FftBuffer<Real> real(shape[0] * shape[1] * shape[2]);
  FftBuffer<std::complex<Real>> modes(plans_->half_size);
  auto* data = fftw_cast(modes.data());
  const std::lock_guard lock(planner_lock());
  plans_->forward = checked<Real>(Fftw<Real>::guru_r2c(3, to_half.data(), 0, nullptr, real.data(),
                                                       data, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT));
  plans_->backward = checked<Real>(
      Fftw<Real>::guru_c2r(3, from_half.data(), 0, nullptr, data, real.data(), FFTW_ESTIMATE));
}

template <class Real>
RealFft<Real>::~RealFft() = default;
template <class Real>
RealFft<Real>::RealFft(RealFft&&) noexcept = default;
template <class Real>
RealFft<Real>& RealFft<Real>::operator=(RealFft&&) noexcept = default;

template <class Real>
Index RealFft<Real>::half_size() const {
  return plans_->half_size;
}

template <class Real>
void RealFft<Real>::forward(const Real* in, std::complex<Real>* half) const {
  check_border<Real>(in);
  check_border<Real>(half);
  Fftw<Real>::execute_r2c(plans_->forward.get(), const_cast<Real*>(in), fftw_cast(half));
}

template <class Real>
void RealFft<Real>::backward(std::complex<Real>* half, Real* out) const {
  check_border<Real>(half);
  check_border<Real>(out);
  Fftw<Real>::execute_c2r(plans_->backward.get(), fftw_cast(half), out);
}

template class ComplexFft<float>;
template class ComplexFft<double>;
template class RealFft<float>;
template class RealFft<double>;

}  // namespace unfold::nufft
