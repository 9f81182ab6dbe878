#pragma once

#include <math.h>

#include "workers/compute/host_device.h"

/// The arithmetic of scores, for any device (matching.h has the formulas).
namespace unfold::spi {

#include "workers/kernels/spi/score_terms.inl.h"

/// A score from its sums: fit = sum_p k_p term.fit, total = sum_p term.total, and the frame's own:
/// photons = sum K, square = sum K^2.
struct PoissonScore {
  UNFOLD_HD double operator()(double fit, double total, double photons) const {
    return fit - photons * log(total);
  }
};
struct BackgroundScore {
  UNFOLD_HD double operator()(double fit, double total, double fluence) const {
    return fit - fluence * total;
  }
};
struct SqrtScore {
  UNFOLD_HD double operator()(double fit, double total) const {
    return total > 0 ? fit / sqrt(total) : 0;
  }
};
struct EuclidScore {
  double scale;
  UNFOLD_HD double operator()(double fit, double total, double square) const {
    return 2 * scale * fit - scale * scale * total - square;
  }
};

}  // namespace unfold::spi
