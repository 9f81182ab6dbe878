#include "workers/kernels/imaging/replicates.h"

#include <algorithm>

namespace unfold::imaging {
Replicates::Replicates(const Problem& problem, const AlgorithmOptions& options,
                       std::span<const double> counts, Index replicates)
    : replicates_(replicates) {
  if (has_batch(options.algorithm)) {
    batch_ = make_batch(problem, options, counts, replicates);
    return;
  }
  const auto size = static_cast<std::size_t>(problem.events.size());
  problems_.reserve(static_cast<std::size_t>(replicates));
  for (std::size_t r = 0; r < static_cast<std::size_t>(replicates); ++r) {
    problems_.push_back({problem.response, problem.events, problem.background,
                         counts.subspan(r * size, size), problem.exposure, problem.sky,
                         problem.communicator, problem.share});
    singles_.push_back(make_reconstruction(problems_.back(), options));
  }
}

void Replicates::step() {
  if (batch_) {
    const auto active = std::make_unique<bool[]>(static_cast<std::size_t>(replicates_));
    std::fill_n(active.get(), replicates_, true);
    batch_->step({active.get(), static_cast<std::size_t>(replicates_)});
    return;
  }
  for (const auto& single : singles_) single->step();
}

const Estimate& Replicates::estimate(Index replicate) const {
  return batch_ ? batch_->estimate(replicate)
                : singles_[static_cast<std::size_t>(replicate)]->estimate();
}

}  // namespace unfold::imaging
