#pragma once

#include <functional>
#include <vector>

#include "workers/kernels/imaging/reconstruct.h"

namespace unfold::imaging {

struct ThinningResult {
  /// [n] mean over the splits of sum y_v ln m - (1 - f) sum m, after update 1 .. n; -infinity where
  /// a validating event has become impossible.
  std::vector<double> validation;
  /// For all the data: the last update as good as the best, divided by f. 0: not searched yet.
  Index updates = 0;
  bool found_maximum = true;  ///< false: the curve still rose at the last iteration allowed
};

/// Finds how many updates the problem's counts can bear (reconstruct.h, StopRule). `after_update`
/// is called with (updates made, validation, one split's estimate), and ends the search by
/// throwing. `stream` keeps data sets apart that share a seed.
using AfterUpdate = std::function<void(Index, double, const Estimate&)>;
ThinningResult find_stop(const Problem& problem, const AlgorithmOptions& options,
                         const StopRule& rule, std::uint64_t stream,
                         const AfterUpdate& after_update);

}  // namespace unfold::imaging
