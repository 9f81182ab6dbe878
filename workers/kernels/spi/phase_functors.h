#pragma once

#include <math.h>

#include <cstdint>

#include "workers/compute/view.h"

/// The projections of phasing, one index one thread, on any device: parallel_for(device, n,
/// functor). Real space: n = L^3, `density` is what is iterated, `image` what has the measured
/// amplitudes, still to be scaled by `scale`. Fourier space: n = L^2 (L / 2 + 1).
namespace unfold::spi {

using compute::Index;
using compute::View;

/// F <- A F / |F| where A is known, that is A >= 0; A where F vanishes.
template <class Real>
struct ReplaceModulus {
  View<const Real, 1> amplitude;
  View<Real, 2> spectrum;  ///< [n, 2] real and imaginary parts; overwritten

  UNFOLD_HD void operator()(Index k) const {
    const Real a = amplitude(k);
    const Real re = spectrum(k, 0), im = spectrum(k, 1);
    const Real square = re * re + im * im;
    const Real factor = square > 0 ? a / static_cast<Real>(sqrt(square)) : Real(0);
    spectrum(k, 0) = a < 0 ? re : square > 0 ? factor * re : a;
    spectrum(k, 1) = a < 0 ? im : factor * im;
  }
};

/// What a real-space step looks at.
template <class Real>
struct PhaseVolume {
  View<const Real, 1> image;
  View<const std::uint8_t, 1> support;
  View<Real, 1> density;  ///< overwritten
  Real scale;
};

/// rho <- P_S P_M rho; S: inside the support and not negative.
template <class Real>
struct ErrorReduction {
  PhaseVolume<Real> at;

  UNFOLD_HD void operator()(Index n) const {
    const Real m = at.scale * at.image(n);
    at.density(n) = at.support(n) != 0 && m > 0 ? m : Real(0);
  }
};

/// rho <- P_M rho inside S, rho - beta P_M rho elsewhere (Fienup 1982).
template <class Real>
struct HybridInputOutput {
  PhaseVolume<Real> at;
  Real beta;

  UNFOLD_HD void operator()(Index n) const {
    const Real m = at.scale * at.image(n);
    const Real rho = at.density(n);
    at.density(n) = at.support(n) != 0 && m > 0 ? m : rho - beta * m;
  }
};

/// rho <- beta / 2 (R_S R_M + 1) rho + (1 - beta) P_M rho, R = 2 P - 1 (Luke 2005).
template <class Real>
struct RelaxedReflections {
  PhaseVolume<Real> at;
  Real beta;

  UNFOLD_HD void operator()(Index n) const {
    const Real m = at.scale * at.image(n);
    const Real rho = at.density(n);
    const bool inside = at.support(n) != 0 && 2 * m - rho > 0;
    at.density(n) = inside ? m : beta * rho + (1 - 2 * beta) * m;
  }
};

/// One line's voxel blurred by taps [radius + 1], at(d) the voxel d further.
template <class Real, class At>
UNFOLD_HD Real blurred_by(const Real* tap, Index radius, const At& at) {
  Real sum = tap[0] * at(0);
  for (Index d = 1; d <= radius; ++d) sum += tap[d] * (at(-d) + at(d));
  return sum;
}

/// Shrinkwrap's threshold: a multiple of the standard deviation over `voxels`, of which only those
/// in the sums are not 0.
template <class Real>
UNFOLD_HD Real shrink_limit(double sum, double square, Index voxels, double weight) {
  const double n = static_cast<double>(voxels);
  const double variance = square / n - sum * sum / n / n;
  return static_cast<Real>(weight * sqrt(variance > 0 ? variance : 0));
}

/// difference += (|F| - A)^2, norm += A^2 over known amplitudes of a cube of `box`; all modes but
/// those of the first and the middle plane stand for two.
template <class Real>
struct AmplitudeMisfit {
  View<const Real, 1> amplitude;
  View<const Real, 2> spectrum;  ///< [n, 2]
  Index box;

  UNFOLD_HD void operator()(Index k, double& difference, double& norm) const {
    const double a = static_cast<double>(amplitude(k));
    if (a < 0) return;
    const Index column = k % (box / 2 + 1);
    const double times = column == 0 || 2 * column == box ? 1 : 2;
    const double re = static_cast<double>(spectrum(k, 0)), im = static_cast<double>(spectrum(k, 1));
    const double d = sqrt(re * re + im * im) - a;
    difference += times * d * d;
    norm += times * a * a;
  }
};

}  // namespace unfold::spi
