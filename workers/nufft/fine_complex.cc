#include <algorithm>
#include <stdexcept>

#include "workers/nufft/fine_fft.h"

namespace unfold::nufft {

template <class Real>
Lines<Real>::Lines(Index n, Index stride, Index count, Index dist, int sign) {
  using Dim = typename Fftw<Real>::Dim;
  const Dim line{n, stride, stride}, many{count, dist, dist};
  FftBuffer<std::complex<Real>> scratch((n - 1) * stride + (count - 1) * dist + 1);
  auto* data = fftw_cast(scratch.data());
  const std::lock_guard lock(planner_lock());
  const auto plan = Fftw<Real>::guru(1, &line, 1, &many, data, data, sign, FFTW_ESTIMATE);
  if (plan == nullptr)
    throw std::invalid_argument("FFTW made no plan (it refused the lines) [take other modes]");
  plan_ = FftwPlan<Real>(plan);
}

namespace {

/// Columns of `count` lie on an odd number of cache lines: power of two strides fall on few sets.
Index pitch_of(Index count, Index cell_bytes) {
  const Index border = 64 / cell_bytes, lines = (count + border - 1) / border;
  return (lines / 2 * 2 + 1) * border;
}

}  // namespace

template <class Real>
ComplexFine<Real>::ComplexFine(compute::Cpu& cpu, const Shape& shape, const Window& window)
    : cpu_(&cpu),
      shape_(shape),
      pitch_(pitch_of(shape.modes[2], sizeof(Complex))),
      forward_(passes(FFTW_FORWARD)),
      backward_(passes(FFTW_BACKWARD)),
      between_(shape.n[0] * shape.modes[1] * shape.modes[2]) {
  for (std::size_t d = 0; d < 3; ++d) {
    const auto all =
        window.corrections(static_cast<int>(shape.modes[d]), static_cast<int>(shape.n[d]));
    for (Index k = 0; k < shape.modes[d]; ++k)
      corrections_[d].push_back(static_cast<Real>(all[static_cast<std::size_t>(k)]));
  }
}

template <class Real>
typename ComplexFine<Real>::Passes ComplexFine<Real>::passes(int sign) const {
  return {Lines<Real>(shape_.n[2], 1, shape_.n[1], shape_.row, sign),
          Lines<Real>(shape_.n[1], pitch_, shape_.modes[2], 1, sign),
          Lines<Real>(shape_.n[0], pitch_, shape_.modes[2], 1, sign)};
}

template <class Real>
void ComplexFine<Real>::to_modes(Complex* grid, Complex* f, int sign) {
  const Passes& pass = sign < 0 ? forward_ : backward_;
  const auto [n0, n1, n2] = shape_.n;
  const auto [m0, m1, m2] = shape_.modes;
  const Index plane_size = m1 * m2;
  cpu_->parallel_for(n0, [&, n1 = n1, n2 = n2, m1 = m1, m2 = m2](Index x) {
    Complex* plane = grid + x * shape_.plane;
    if (x < shape_.halo[0]) {
      const Complex* behind = plane + shape_.n[0] * shape_.plane;
      for (Index i = 0; i < shape_.plane; ++i) plane[i] += behind[i];
    }
    fold_plane(shape_, plane);
    pass.z(plane);
    FftBuffer<Complex> columns(n1 * pitch_);
    for (Index y = 0; y < n1; ++y)
      for (Index k = 0; k < m2; ++k)
        columns[y * pitch_ + k] = plane[y * shape_.row + cell_of(k - m2 / 2, n2)];
    pass.y(columns.data());
    for (Index k = 0; k < m1; ++k) {
      const Complex* kept = columns.data() + cell_of(k - m1 / 2, n1) * pitch_;
      std::copy(kept, kept + m2, between_.data() + x * plane_size + k * m2);
    }
  });
  cpu_->parallel_for(m1, [&, n0 = n0, m0 = m0, m1 = m1, m2 = m2](Index k1) {
    FftBuffer<Complex> columns(n0 * pitch_);
    for (Index x = 0; x < n0; ++x) {
      const Complex* row = between_.data() + x * plane_size + k1 * m2;
      std::copy(row, row + m2, columns.data() + x * pitch_);
    }
    pass.x(columns.data());
    for (Index k0 = 0; k0 < m0; ++k0) {
      const Complex* row = columns.data() + cell_of(k0 - m0 / 2, n0) * pitch_;
      const Real outer = corrections_[0][static_cast<std::size_t>(k0)] *
                         corrections_[1][static_cast<std::size_t>(k1)];
      for (Index k2 = 0; k2 < m2; ++k2)
        f[(k0 * m1 + k1) * m2 + k2] =
            row[k2] * (outer * corrections_[2][static_cast<std::size_t>(k2)]);
    }
  });
}

template <class Real>
void ComplexFine<Real>::to_grid(const Complex* f, Complex* grid, int sign) {
  const Passes& pass = sign < 0 ? forward_ : backward_;
  const auto [n0, n1, n2] = shape_.n;
  const auto [m0, m1, m2] = shape_.modes;
  const Index plane_size = m1 * m2;
  cpu_->parallel_for(m1, [&, n0 = n0, m0 = m0, m1 = m1, m2 = m2](Index k1) {
    FftBuffer<Complex> columns(n0 * pitch_);
    for (Index k0 = 0; k0 < m0; ++k0) {
      Complex* row = columns.data() + cell_of(k0 - m0 / 2, n0) * pitch_;
      const Real outer = corrections_[0][static_cast<std::size_t>(k0)] *
                         corrections_[1][static_cast<std::size_t>(k1)];
      for (Index k2 = 0; k2 < m2; ++k2)
        row[k2] =
            f[(k0 * m1 + k1) * m2 + k2] * (outer * corrections_[2][static_cast<std::size_t>(k2)]);
    }
    pass.x(columns.data());
    for (Index x = 0; x < n0; ++x) {
      const Complex* row = columns.data() + x * pitch_;
      std::copy(row, row + m2, between_.data() + x * plane_size + k1 * m2);
    }
  });
  cpu_->parallel_for(n0, [&, n1 = n1, n2 = n2, m1 = m1, m2 = m2](Index x) {
    FftBuffer<Complex> columns(n1 * pitch_);
    for (Index k = 0; k < m1; ++k) {
      const Complex* kept = between_.data() + x * plane_size + k * m2;
      std::copy(kept, kept + m2, columns.data() + cell_of(k - m1 / 2, n1) * pitch_);
    }
    pass.y(columns.data());
    Complex* plane = grid + x * shape_.plane;
    for (Index y = 0; y < n1; ++y) {
      Complex* row = plane + y * shape_.row;
      std::fill(row, row + n2, Complex());
      for (Index k = 0; k < m2; ++k) row[cell_of(k - m2 / 2, n2)] = columns[y * pitch_ + k];
    }
    pass.z(plane);
    fill_plane(shape_, plane);
    if (x < shape_.halo[0])
      std::copy(plane, plane + shape_.plane, plane + shape_.n[0] * shape_.plane);
  });
}

template class Lines<float>;
template class Lines<double>;
template class ComplexFine<float>;
template class ComplexFine<double>;

}  // namespace unfold::nufft
