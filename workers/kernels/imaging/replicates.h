#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::imaging {

/// Several sets of counts on one event list, fitted side by side: in one batch where the algorithm
/// has one, one by one else. Not thread safe.
class Replicates {
 public:
  /// `problem` gives all but the counts, `counts` [R, N]; both outlive this.
  Replicates(const Problem& problem, const AlgorithmOptions& options,
             std::span<const double> counts, Index replicates);
  void step();
  const Estimate& estimate(Index replicate) const;
  Index size() const { return replicates_; }

 private:
  Index replicates_;
  std::vector<Problem> problems_;  ///< of `singles_`
  std::unique_ptr<BatchReconstruction> batch_;
  std::vector<std::unique_ptr<Reconstruction>> singles_;
};

}  // namespace unfold::imaging
