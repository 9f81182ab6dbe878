#pragma once

#include <complex>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/nufft/fft.h"
#include "workers/nufft/fftw.h"
#include "workers/nufft/shape.h"
#include "workers/nufft/window.h"

/// Between modes and the fine grid, axis by axis, so that lines which are zero or not wanted cost
/// nothing: of n0 n1 n2 cells 1 / upsampling of the lines of the second axis and 1 / upsampling^2
/// of the third are transformed.
namespace unfold::nufft {

/// Transforms of `count` lines of n elements, in place: elements `stride` apart, lines `dist`.
template <class Real>
class Lines {
 public:
  Lines(Index n, Index stride, Index count, Index dist, int sign);
  void operator()(std::complex<Real>* data) const {
    Fftw<Real>::execute(plan_.get(), fftw_cast(data), fftw_cast(data));
  }

 private:
  FftwPlan<Real> plan_;
};

/// Complex modes. Grids are padded (shape.h); all passes are spread over the Cpu's threads.
template <class Real>
class ComplexFine {
 public:
  using Complex = std::complex<Real>;

  ComplexFine(compute::Cpu& cpu, const Shape& shape, const Window& window);

  /// f[k] = correction[k] sum_l grid[l] exp(sign 2 pi i k.l / n), where the halo is first added to
  /// the cells it stands for; `grid` is destroyed.
  void to_modes(Complex* grid, Complex* f, int sign);
  /// The transpose: grid[l] = sum_k correction[k] f[k] exp(sign 2 pi i k.l / n), halo included.
  void to_grid(const Complex* f, Complex* grid, int sign);

 private:
  struct Passes {
    Lines<Real> z, y, x;
  };
  Passes passes(int sign) const;

  compute::Cpu* cpu_;
  Shape shape_;
  Index pitch_;  ///< from one row of columns to the next
  std::array<std::vector<Real>, 3> corrections_;
  Passes forward_, backward_;
  FftBuffer<Complex> between_;  ///< [n0, modes1, modes2]: after two axes
};

/// Real parts of the modes of a real grid.
template <class Real>
class CosineFine {
 public:
  using Complex = std::complex<Real>;

  CosineFine(compute::Cpu& cpu, const Shape& shape, const Window& window);

  /// f[k] = correction[k] sum_l grid[l] cos(2 pi k.l / n), halo added first; `grid` is destroyed.
  void to_modes(Real* grid, Real* f);
  /// grid[l] = sum_k correction[k] f[k] cos(2 pi k.l / n), halo included.
  void to_grid(const Real* f, Real* grid);

 private:
  compute::Cpu* cpu_;
  Shape shape_;
  std::array<Index, 3> reach_;  ///< modes / 2: lines are kept from -reach to reach, last axis 0 up
  Index half_;                  ///< n2 / 2 + 1
  std::array<std::vector<Real>, 3> corrections_;
  FftwPlan<Real> to_half_, from_half_;                           ///< a plane's rows
  Lines<Real> y_forward_, x_forward_, y_backward_, x_backward_;  ///< columns
  FftBuffer<Complex> between_;                                   ///< [n0, 2 reach1 + 1, reach2 + 1]
};

/// Adds what lies in the halo of rows and columns of one plane to the cells it stands for.
template <class T>
void fold_plane(const Shape& shape, T* plane) {
  for (Index j = 0; j < shape.halo[1]; ++j) {
    T* to = plane + j * shape.row;
    const T* from = plane + (shape.n[1] + j) * shape.row;
    for (Index k = 0; k < shape.n[2] + shape.halo[2]; ++k) to[k] += from[k];
  }
  for (Index j = 0; j < shape.n[1]; ++j) {
    T* row = plane + j * shape.row;
    for (Index k = 0; k < shape.halo[2]; ++k) row[k] += row[shape.n[2] + k];
  }
}

/// Copies cells of one plane into its halo.
template <class T>
void fill_plane(const Shape& shape, T* plane) {
  for (Index j = 0; j < shape.n[1]; ++j) {
    T* row = plane + j * shape.row;
    for (Index k = 0; k < shape.row - shape.n[2]; ++k) row[shape.n[2] + k] = row[k % shape.n[2]];
  }
  for (Index j = 0; j < shape.halo[1]; ++j) {
    const T* from = plane + j * shape.row;
    T* to = plane + (shape.n[1] + j) * shape.row;
    for (Index k = 0; k < shape.row; ++k) to[k] = from[k];
  }
}

/// The cell that mode k has on an axis of n.
inline Index cell_of(Index k, Index n) { return k < 0 ? k + n : k; }

}  // namespace unfold::nufft
