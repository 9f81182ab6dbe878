#include <algorithm>
#include <stdexcept>

#include "workers/nufft/fine_fft.h"

namespace unfold::nufft {
namespace {

/// Rows of a plane: `real` cells apart in the grid, `half` apart among the modes.
template <class Real>
struct Rows {
  typename Fftw<Real>::Dim to_line, from_line, to_many, from_many;
  FftBuffer<Real> real;
  FftBuffer<std::complex<Real>> modes;

  Rows(const Shape& shape, Index half)
      : to_line{shape.n[2], 1, 1},
        from_line{shape.n[2], 1, 1},
        to_many{shape.n[1], shape.row, half},
        from_many{shape.n[1], half, shape.row},
        real(shape.n[1] * shape.row),
        modes(shape.n[1] * half) {}
};

template <class Real>
FftwPlan<Real> checked(typename Fftw<Real>::Plan plan) {
  if (plan == nullptr)
    throw std::invalid_argument("FFTW made no plan (it refused the rows) [take other modes]");
  return FftwPlan<Real>(plan);
}

}  // namespace

template <class Real>
CosineFine<Real>::CosineFine(compute::Cpu& cpu, const Shape& shape, const Window& window)
    : cpu_(&cpu),
      shape_(shape),
      reach_{shape.modes[0] / 2, shape.modes[1] / 2, shape.modes[2] / 2},
      half_(shape.n[2] / 2 + 1),
      y_forward_(shape.n[1], half_, reach_[2] + 1, 1, FFTW_FORWARD),
      x_forward_(shape.n[0], reach_[2] + 1, reach_[2] + 1, 1, FFTW_FORWARD),
      y_backward_(shape.n[1], half_, reach_[2] + 1, 1, FFTW_BACKWARD),
      x_backward_(shape.n[0], reach_[2] + 1, reach_[2] + 1, 1, FFTW_BACKWARD),
      between_(shape.n[0] * (2 * reach_[1] + 1) * (reach_[2] + 1)) {
  for (std::size_t d = 0; d < 3; ++d)
    for (const double c :
         window.corrections(static_cast<int>(shape.modes[d]), static_cast<int>(shape.n[d])))
      corrections_[d].push_back(static_cast<Real>(c));
  Rows<Real> rows(shape, half_);
  const std::lock_guard lock(planner_lock());
  to_half_ =
      checked<Real>(Fftw<Real>::guru_r2c(1, &rows.to_line, 1, &rows.to_many, rows.real.data(),
                                         fftw_cast(rows.modes.data()), FFTW_ESTIMATE));
  from_half_ = checked<Real>(Fftw<Real>::guru_c2r(1, &rows.from_line, 1, &rows.from_many,
                                                  fftw_cast(rows.modes.data()), rows.real.data(),
                                                  FFTW_ESTIMATE));
}

template <class Real>
void CosineFine<Real>::to_modes(Real* grid, Real* f) {
  const auto [m0, m1, m2] = shape_.modes;
  const Index n0 = shape_.n[0], n1 = shape_.n[1], width = reach_[2] + 1, lines = 2 * reach_[1] + 1;
  cpu_->parallel_for(n0, [&](Index x) {
    Real* plane = grid + x * shape_.plane;
    if (x < shape_.halo[0]) {
      const Real* behind = plane + n0 * shape_.plane;
      for (Index i = 0; i < shape_.plane; ++i) plane[i] += behind[i];
    }
    fold_plane(shape_, plane);
    FftBuffer<Complex> columns(n1 * half_);
    Fftw<Real>::execute_r2c(to_half_.get(), plane, fftw_cast(columns.data()));
    y_forward_(columns.data());
    for (Index k = 0; k < lines; ++k) {
      const Complex* kept = columns.data() + cell_of(k - reach_[1], n1) * half_;
      std::copy(kept, kept + width, between_.data() + (x * lines + k) * width);
    }
  });
  // The mode -k has the same real part: each line writes the half it holds, and the other half.
  cpu_->parallel_for(lines, [&, m0 = m0, m1 = m1, m2 = m2](Index line) {
    FftBuffer<Complex> columns(n0 * width);
    for (Index x = 0; x < n0; ++x) {
      const Complex* row = between_.data() + (x * lines + line) * width;
      std::copy(row, row + width, columns.data() + x * width);
    }
    x_forward_(columns.data());
    const auto store = [&](Index k0, Index k1, Index sign) {
      const Index i0 = sign * k0 + m0 / 2, i1 = sign * k1 + m1 / 2;
      if (i0 < 0 || i0 >= m0 || i1 < 0 || i1 >= m1) return;
      const Complex* row = columns.data() + cell_of(k0, n0) * width;
      const Real outer = corrections_[0][static_cast<std::size_t>(k0 + reach_[0])] *
                         corrections_[1][static_cast<std::size_t>(k1 + reach_[1])];
      for (Index k2 = sign < 0 ? 1 : 0; k2 < width; ++k2) {
        const Index i2 = sign * k2 + m2 / 2;
        if (i2 < m2)
          f[(i0 * m1 + i1) * m2 + i2] =
              row[k2].real() * (outer * corrections_[2][static_cast<std::size_t>(k2 + reach_[2])]);
      }
    };
    for (Index k0 = -reach_[0]; k0 <= reach_[0]; ++k0) {
      store(k0, line - reach_[1], +1);
      store(k0, line - reach_[1], -1);
    }
  });
}

template <class Real>
void CosineFine<Real>::to_grid(const Real* f, Real* grid) {
  const auto [m0, m1, m2] = shape_.modes;
  const Index n0 = shape_.n[0], n1 = shape_.n[1], width = reach_[2] + 1, lines = 2 * reach_[1] + 1;
  const auto value = [&, m0 = m0, m1 = m1, m2 = m2](Index k0, Index k1, Index k2) -> Real {
    const Index i0 = k0 + m0 / 2, i1 = k1 + m1 / 2, i2 = k2 + m2 / 2;
    return i0 < m0 && i1 < m1 && i2 < m2 ? f[(i0 * m1 + i1) * m2 + i2] : Real(0);
  };
  // Only the even part of f is seen by a cosine.
  cpu_->parallel_for(lines, [&](Index line) {
    const Index k1 = line - reach_[1];
    FftBuffer<Complex> columns(n0 * width);
    for (Index k0 = -reach_[0]; k0 <= reach_[0]; ++k0) {
      Complex* row = columns.data() + cell_of(k0, n0) * width;
      const Real outer = corrections_[0][static_cast<std::size_t>(k0 + reach_[0])] *
                         corrections_[1][static_cast<std::size_t>(line)] / 2;
      for (Index k2 = 0; k2 < width; ++k2)
        row[k2] = (value(k0, k1, k2) + value(-k0, -k1, -k2)) *
                  (outer * corrections_[2][static_cast<std::size_t>(k2 + reach_[2])]);
    }
    x_backward_(columns.data());
    for (Index x = 0; x < n0; ++x) {
      const Complex* row = columns.data() + x * width;
      std::copy(row, row + width, between_.data() + (x * lines + line) * width);
    }
  });
  cpu_->parallel_for(n0, [&](Index x) {
    FftBuffer<Complex> columns(n1 * half_);
    for (Index k = 0; k < lines; ++k) {
      const Complex* kept = between_.data() + (x * lines + k) * width;
      std::copy(kept, kept + width, columns.data() + cell_of(k - reach_[1], n1) * half_);
    }
    y_backward_(columns.data());
    Real* plane = grid + x * shape_.plane;
    Fftw<Real>::execute_c2r(from_half_.get(), fftw_cast(columns.data()), plane);
    fill_plane(shape_, plane);
    if (x < shape_.halo[0]) std::copy(plane, plane + shape_.plane, plane + n0 * shape_.plane);
  });
}

template class CosineFine<float>;
template class CosineFine<double>;

}  // namespace unfold::nufft
