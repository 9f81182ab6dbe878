#pragma once

#include <span>
#include <vector>

#include "workers/kernels/spi/rotations.h"
#include "workers/kernels/spi/spectrum.h"
#include "workers/nufft/nufft.h"

namespace unfold::spi {

/// Two intensities without their radial means, each of unit power in every shell, correlated as one
/// of them is turned. An intensity I(q) = sum_n a_n cos(n.x) comes as its autocorrelation a [M^3],
/// centred at M / 2.
class TurnedIntensity {
 public:
  /// Where modes of `fixed` [M^3] are compared; at most about `most` of them, spread evenly.
  TurnedIntensity(Index grid, std::span<const double> fixed, Index first_shell, Index last_shell,
                  Index most);

  /// sum_s w_s c_s / sum_s w_s, w_s = n_s / s: c_s the correlation in shell s of the fixed
  /// intensity with `turned`, turned: I(R^T q). Thread safe.
  double agreement(const nufft::CosineGrid<float>& turned, const Quaternion& rotation) const;

 private:
  void standardise(std::span<double> values) const;

  Shells shells_;
  std::vector<float> base_;    ///< [P, 3] radians
  double weight_ = 0;          ///< sum of w_s
  std::vector<double> fixed_;  ///< [P] standardised
};

}  // namespace unfold::spi
