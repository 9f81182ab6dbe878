#include "workers/kernels/imaging/list_plan.h"

#include <algorithm>

namespace unfold::imaging {
namespace {
constexpr Index kMostRuns = 64;
constexpr Index kFewestRuns = 4;
constexpr Index kAccumulatorsTogether = Index{8} << 20;
/// Entering and leaving a time bin costs as much as about so many events.
constexpr Index kPieceCost = 24;
}  // namespace

ListPlan plan_list(const Events& events, Subset subset, Index accumulator) {
  ListPlan plan;
  Index cost = 0;
  for (Index t = subset.first; t < events.times(); t += subset.step) {
    const Index last = events.begin[static_cast<std::size_t>(t) + 1];
    for (Index n = events.begin[static_cast<std::size_t>(t)]; n < last; n += kPieceEvents) {
      plan.pieces.push_back({t, n, std::min(last, n + kPieceEvents)});
      cost += plan.pieces.back().end - n + kPieceCost;
    }
  }
  const Index runs =
      std::clamp(kAccumulatorsTogether / std::max<Index>(accumulator, 1), kFewestRuns, kMostRuns);
  const Index share = cost / runs + 1;
  plan.run.push_back(0);
  Index taken = 0;
  for (std::size_t i = 0; i < plan.pieces.size(); ++i) {
    taken += plan.pieces[i].end - plan.pieces[i].begin + kPieceCost;
    if (taken >= share || i + 1 == plan.pieces.size()) {
      plan.run.push_back(static_cast<Index>(i) + 1);
      taken = 0;
    }
  }
  return plan;
}

Events every_bin(Shape shape) {
  Events all;
  all.begin.resize(static_cast<std::size_t>(shape.times) + 1);
  all.bin.resize(static_cast<std::size_t>(shape.times * shape.bins));
  for (Index t = 0; t <= shape.times; ++t) {
    all.begin[static_cast<std::size_t>(t)] = t * shape.bins;
  }
  for (std::size_t n = 0; n < all.bin.size(); ++n) {
    all.bin[n] = static_cast<std::int32_t>(n % static_cast<std::size_t>(shape.bins));
  }
  return all;
}

}  // namespace unfold::imaging
