#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "workers/compute/view.h"

namespace unfold::imaging {

using compute::Index;

/// The non-zero bins of binned counts, grouped by time bin: list mode. Bins without counts enter a
/// fit only through the exposure and the background's sums, so they are never stored. The counts
/// themselves are apart, as bootstrap replicates share one list.
struct Events {
  std::vector<Index> begin;       ///< [T+1]; those of time bin t are begin[t] .. begin[t+1]
  std::vector<std::int32_t> bin;  ///< [N] data bin d, 0 .. D-1, increasing within a time bin

  Index times() const { return static_cast<Index>(begin.size()) - 1; }
  Index size() const { return static_cast<Index>(bin.size()); }
};

/// Background model sum_c A[c, group[t]] B_c[t, d], reduced to what a fit needs. Amplitude
/// a = c * groups + g.
struct Background {
  Index components = 0;
  Index groups = 1;
  std::vector<std::int32_t> group;  ///< [T]
  std::vector<double> at_events;    ///< [C, N] counts per unit amplitude
  std::vector<double> sum;          ///< [C, T] over all D bins, zero ones included
  /// Writes B_c[t, :] [D], bins without counts too. Only the bootstrap asks, as it draws counts
  /// from the fitted model (reconstruct.h); empty where none is wanted.
  std::function<void(Index component, Index time, std::span<double> row)> row = {};

  Index amplitudes() const { return components * groups; }
};

}  // namespace unfold::imaging
