#pragma once

#include "workers/compute/view.h"

/// The updates of conjugate gradients, one index one thread, on any device.
namespace unfold::spi {

using compute::Index;
using compute::View;

/// x <- x + step p,  r <- r - step (A p).
struct GradientStep {
  double step;
  View<const double, 1> direction;
  View<const double, 1> image;  ///< A p
  View<double, 1> x, residual;  ///< added to

  UNFOLD_HD void operator()(Index n) const {
    x(n) += step * direction(n);
    residual(n) -= step * image(n);
  }
};

/// p <- r + ratio p.
struct NextDirection {
  double ratio;
  View<const double, 1> residual;
  View<double, 1> direction;  ///< overwritten

  UNFOLD_HD void operator()(Index n) const { direction(n) = residual(n) + ratio * direction(n); }
};

/// out <- S (C x + ridge x), given C x in `out`.
struct KeepInside {
  double ridge;
  View<const double, 1> x;
  View<const unsigned char, 1> support;
  View<double, 1> out;

  UNFOLD_HD void operator()(Index n) const {
    out(n) = support(n) != 0 ? out(n) + ridge * x(n) : 0.0;
  }
};

}  // namespace unfold::spi
