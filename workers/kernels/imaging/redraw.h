#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::imaging {

/// Throws std::invalid_argument where a count is no whole number, negative or above 2^31: only
/// Poisson counts can be thinned.
void require_whole_counts(std::span<const double> counts);

/// Counts shared out at random: `train` is Binomial(counts, fraction), `validate` the rest. Where
/// `counts` is Poisson both are, and independent of each other. [S, N] each.
struct Splits {
  std::vector<double> train;
  std::vector<double> validate;
};

/// At fraction 1/2 splits come in pairs whose second is the first with its sides exchanged: all
/// counts serve both ends. `stream` keeps data sets apart; `first` is the place of the first count
/// among those of all ranks, so that ranks of consecutive time bins draw what one would.
Splits split_counts(std::span<const double> counts, double fraction, Index splits,
                    std::uint64_t seed, std::uint64_t stream, Index first = 0);

/// The sum of what the ranks before this one bring. Collective.
Index count_before(compute::Communicator& communicator, Index mine);

/// Data sets with one event list, and the background there.
struct DrawnCounts {
  Events events;
  Background background;
  std::vector<double> counts;  ///< [R, N]
};

/// The model of every bin, to draw data sets from. Immutable; thread safe where `background.row`
/// is. `background` outlives it.
class CountModel {
 public:
  /// m[t, d] = sum_p R[t, p, d] image[p] + sum_c A[c, group[t]] B_c[t, d]. Takes [T, D] doubles of
  /// memory. Collective. Throws std::invalid_argument where there is a background without rows.
  CountModel(const Problem& problem, const Estimate& estimate);
  /// Poisson counts of all bins; what a bin gets depends on seed, replicate and bin alone.
  DrawnCounts draw(std::uint64_t seed, std::uint64_t replicate) const;
  /// Replicates first .. first + replicates - 1, on the list of the bins that any has counts in.
  DrawnCounts draw(std::uint64_t seed, std::uint64_t first, Index replicates) const;
  /// Mean length of that list.
  double mean_events(Index replicates) const;

 private:
  Background background_at(const Events& events) const;

  const Background& background_;
  Shape shape_;
  Index first_bin_;               ///< bins of the ranks before this one
  std::vector<double> expected_;  ///< [T, D]
};

}  // namespace unfold::imaging
