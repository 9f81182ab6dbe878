#pragma once

#include <span>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::imaging {

/// A Gaussian on the sphere, as sparse weights between pixels: smoothed[p] = sum_q w[p,q] v[q],
/// w proportional to solid_angle[q] exp(-angle(p,q)^2 / (2 sigma^2)), sum over q 1, cut at 4 sigma;
/// each energy by itself. Immutable. A width of 0 changes nothing.
class Smoothing {
 public:
  Smoothing(const SkyGeometry& sky, double fwhm_deg);
  bool active() const { return !begin_.empty(); }
  /// `values` [P], replaced.
  void apply(std::span<double> values) const;
  /// image <- max(0, before + smoothed(image - before)), 0 where the sensitivity is 0. [P]
  void apply_to_update(std::span<const double> before, std::span<const double> sensitivity,
                       std::span<double> image) const;

 private:
  Index energies_ = 1;
  bool energy_fastest_ = false;
  std::vector<Index> begin_;  // [pixels + 1]
  std::vector<std::int32_t> from_;
  std::vector<double> weight_;
};

}  // namespace unfold::imaging
