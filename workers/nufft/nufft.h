#pragma once

#include <array>
#include <complex>
#include <memory>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/compute/view.h"

/// Non-uniform fast Fourier transforms in three dimensions (docs/numerics.md, "NUFFT"): spreading
/// with a window whose width follows the tolerance, an oversampled FFT, and division by the
/// window's transform. Dutt and Rokhlin 1993; the window is the prolate function (Slepian and
/// Pollak 1961), evaluated as polynomials.
namespace unfold::nufft {

using compute::Index;
using compute::View;

/// Modes k run from -(M / 2) to M - M / 2 - 1 in each dimension, row-major, M = modes[d].
using Modes = std::array<Index, 3>;

/// Relative l2 error asked for over the outputs, for inputs without correlation (the largest error
/// stays within three times that of the largest output): 1e-2 .. 1e-12 for double, 1e-2 .. 1e-6 for
/// float, whose rounding ends it earlier where M is large: limit_of() says. Points are taken as
/// they are given: a float that stands for another number is the caller's error. Throws
/// std::invalid_argument beyond.
struct Options {
  double tolerance = 1e-6;
  compute::Isa isa = compute::choose_isa();
  double upsampling = 0;  ///< 1.2 .. 3; 0: what is fastest for the points
};

/// The smallest tolerance that Real holds at such a grid.
template <class Real>
double limit_of(const Modes& modes);

/// Plan, set points, execute: points are folded into [-pi, pi) and sorted once, transforms of the
/// same points share that. Not thread safe; runs on the Cpu's threads. The same build, ISA and
/// points give the same bits for any number of threads.
template <class Real>
class Plan {
 public:
  Plan(compute::Cpu& cpu, const Modes& modes, const Options& options = {});
  ~Plan();
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;

  /// points [P, 3], radians, any finite value. Copied.
  void set_points(View<const Real, 2> points);
  Index points() const;

  /// f[k] = sum_p c[p] exp(+i k.x_p); f [M0, M1, M2] is overwritten. sign -1: the conjugate kernel.
  void type1(View<const std::complex<Real>, 1> c, View<std::complex<Real>, 3> f, int sign = +1);
  /// c[p] = sum_k f[k] exp(-i k.x_p); c [P] is overwritten. sign +1: the conjugate kernel.
  void type2(View<const std::complex<Real>, 3> f, View<std::complex<Real>, 1> c, int sign = -1);

  /// The real parts for real input, at half the cost: f[k] = sum_p c[p] cos(k.x_p).
  void cosine1(View<const Real, 1> c, View<Real, 3> f);
  /// c[p] = sum_k f[k] cos(k.x_p).
  void cosine2(View<const Real, 3> f, View<Real, 1> c);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The grid of a CosineGrid, for who reads it elsewhere (a device): cells with their halo, and the
/// window that a point is read under, as polynomials of the place within the first cell (window.h).
/// Valid until the CosineGrid's next set().
template <class Real>
struct FineGrid {
  const Real* cells;
  Index size;                ///< cells, halo and padding included
  std::array<Index, 3> n;    ///< cells a turn
  Index plane, row;          ///< cells from one plane or row to the next
  int width;                 ///< of the window
  std::vector<Real> window;  ///< [degree_of(width) + 1, width], highest power first
};

/// sum_k f[k] cos(k.x) at any points, from one fine grid that is made once: what slices of an
/// intensity are cut from. Immutable after set(); evaluation is thread safe.
template <class Real>
class CosineGrid {
 public:
  CosineGrid(compute::Cpu& cpu, const Modes& modes, const Options& options = {});
  ~CosineGrid();
  CosineGrid(CosineGrid&&) noexcept;
  CosineGrid& operator=(CosineGrid&&) noexcept;

  void set(View<const Real, 3> f);

  /// out[p] = sum_k f[k] cos(k.x_p), x_p = R^T base_p, with R [3, 3] row-major (`rotation`, 9
  /// numbers) and base [P, 3] radians; |x| per axis must stay below 2 pi. Serial; the caller
  /// spreads rotations over threads.
  void rotated(std::span<const Real, 9> rotation, View<const Real, 2> base, Real* out) const;

  FineGrid<Real> fine() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold::nufft
