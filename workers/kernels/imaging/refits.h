#pragma once

#include <functional>
#include <vector>

#include "workers/kernels/imaging/reconstruct.h"
#include "workers/kernels/imaging/redraw.h"

namespace unfold::imaging {

struct Refit {
  Estimate estimate;
  Index updates = 0;
};

/// Fits the bootstrap's replicates as the data were fitted. Replicate r, from 0, has the random
/// stream r + 1. Immutable; what it is made of outlives it.
class Refits {
 public:
  /// `updates` are those of the data's fit. `poll` is called before each update, and ends the work
  /// by throwing.
  Refits(const Problem& problem, const Settings& settings, const CountModel& model, Index updates,
         std::function<void()> poll);

  /// Replicates that share one read of the response.
  static constexpr Index kTogether = 16;
  /// How many to fit next when `done` are: a whole group of kTogether (the last may be smaller)
  /// where that pays, else one. Depends on the model and settings alone. Collective.
  Index next_group(Index done) const;

  Refit one(Index replicate) const;
  /// The same to rounding, by batches on one event list. `after_update` is told how many have
  /// finished. Not for the likelihood rule with kRefit, nor for algorithms without batches.
  std::vector<Refit> several(Index first, Index replicates,
                             const std::function<void(Index)>& after_update) const;

 private:
  bool can_batch() const;
  Problem problem_of(const DrawnCounts& drawn) const;
  Index updates_of(Index replicate) const;

  const Problem& problem_;
  const Settings& settings_;
  const CountModel& model_;
  Index updates_;
  std::function<void()> poll_;
};

}  // namespace unfold::imaging
