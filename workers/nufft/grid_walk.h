#pragma once

#include <vector>

#include "workers/nufft/points.h"
#include "workers/nufft/window.h"

namespace unfold::nufft {

/// Carries values between sorted points and the padded fine grid. Parts: 2 complex, 1 real.
template <class Real, int Parts>
class GridWalk {
 public:
  GridWalk(compute::Cpu& cpu, const Shape& shape, const Window& window, compute::Isa isa);

  /// grid = sum over points of c[p] times its window, halo included; c [P, Parts] in the caller's
  /// order; grid is overwritten.
  void spread(const SortedPoints<Real>& points, const Real* c, Real* grid) const;
  /// c[p] = the grid under the window of p.
  void gather(const SortedPoints<Real>& points, const Real* grid, Real* c) const;
  /// The same for points that lie in their own order, by the calling thread alone.
  void gather_run(const Point<Real>* points, Index count, const Real* grid, Real* c) const;

 private:
  Run<Real> run_of(const Point<Real>* points, Index count) const;

  compute::Cpu* cpu_;
  Shape shape_;
  std::vector<Real> window_, last_;  ///< coefficients: kernels.h
  void (*spread_)(const Run<Real>&, const Real* values, Real* grid);
  void (*gather_)(const Run<Real>&, const Real* grid, Real* values);
};

}  // namespace unfold::nufft
