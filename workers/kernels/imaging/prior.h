#pragma once

#include <span>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {

/// A prior of the image (engines/imaging.md c, MAP_RL). The published step along a prior's gradient
/// overshoots where the gradient is above the exposure; the EM steps here are exact maxima of a
/// bound of the log-posterior, which therefore never falls. Immutable.
class PriorTerm {
 public:
  /// `total` [P] sensitivity of all data; outlives this.
  PriorTerm(const Prior& prior, const SkyGeometry& sky, double initial_flux,
            std::span<const double> total);

  /// k of EmUpdate; 1 for other priors.
  double shape() const { return prior_.kind == PriorKind::kGamma ? prior_.weight : 1; }
  /// The EM step with this prior; a Gamma's shape is that of `em`.
  void update(const EmUpdate& em) const;
  /// lnP up to a constant. A Gamma's reward for emptiness ends at (1 - k) / total, where fewer
  /// counts are left than the prior takes away: its density has no maximum at 0.
  double log_prior(std::span<const double> image) const;

 private:
  template <class Visit>
  void for_each_neighbour(Visit visit) const;
  double gamma(std::span<const double> image) const;
  double entropy(std::span<const double> image) const;
  double squared_variation(std::span<const double> image) const;
  void update_squared_variation(const EmUpdate& em) const;

  Prior prior_;
  const SkyGeometry& sky_;
  double entropy_reference_;
  std::span<const double> total_;
};

}  // namespace unfold::imaging
