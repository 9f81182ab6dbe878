#pragma once

#include <algorithm>
#include <span>
#include <stdexcept>
#include <vector>

#include "workers/kernels/imaging/device/views.h"
#include "workers/kernels/imaging/list_plan.h"

namespace unfold::imaging {

/// A subset's events cut into pieces, and the pieces into runs of about the same work, a block
/// each. Depends on sizes alone, so that every device adds up in the same order.
struct ListCut {
  std::vector<PieceOf> pieces;
  std::vector<std::int32_t> run;          ///< [runs + 1]
  std::vector<std::int32_t> by_group;     ///< [pieces] pieces by the group of their time bin
  std::vector<std::int32_t> group_begin;  ///< [groups + 1] into by_group
};

/// Three blocks on each of the 132 multiprocessors of the device we write for: one wave.
inline constexpr Index kMostBlocks = 396;
/// What accumulators of all runs may take together, where eight runs allow it.
inline constexpr Index kAccumulatorBytes = Index{256} << 20;

/// Runs for accumulators of `size` doubles each.
inline Index runs_for(Index size) {
  return std::clamp<Index>(kAccumulatorBytes / 8 / std::max<Index>(size, 1), 8, kMostBlocks);
}

inline std::vector<std::int32_t> cut_into_runs(const std::vector<PieceOf>& pieces, Index runs) {
  constexpr Index kPieceCost = 12;  // entering and leaving a time bin, in events
  const auto cost = [](const PieceOf& piece) { return piece.end - piece.begin + kPieceCost; };
  Index all = 0, taken = 0, at = 0;
  for (const PieceOf& piece : pieces) all += cost(piece);
  std::vector<std::int32_t> first{0};
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Index middle = taken + cost(pieces[i]) / 2, run = middle * runs / all;
    if (i > 0 && run > at) first.push_back(static_cast<std::int32_t>(i));
    at = run;
    taken += cost(pieces[i]);
  }
  if (!pieces.empty()) first.push_back(static_cast<std::int32_t>(pieces.size()));
  return first;
}

inline ListCut cut_list(std::span<const Index> begin, std::span<const std::int32_t> group,
                        Index groups, Subset subset, Index runs) {
  ListCut cut;
  const auto times = static_cast<Index>(begin.size()) - 1;
  std::vector<std::vector<std::int32_t>> of_group(static_cast<std::size_t>(groups));
  for (Index t = subset.first; t < times; t += subset.step) {
    const auto at = static_cast<std::size_t>(t);
    for (Index n = begin[at]; n < begin[at + 1]; n += kPieceEvents) {
      const Index end = std::min(begin[at + 1], n + kPieceEvents);
      if (!group.empty()) {
        of_group[static_cast<std::size_t>(group[at])].push_back(
            static_cast<std::int32_t>(cut.pieces.size()));
      }
      cut.pieces.push_back({static_cast<std::int32_t>(t), static_cast<std::int32_t>(n),
                            static_cast<std::int32_t>(end)});
    }
  }
  cut.run = cut_into_runs(cut.pieces, runs);
  cut.group_begin.push_back(0);
  for (const auto& pieces : of_group) {
    cut.by_group.insert(cut.by_group.end(), pieces.begin(), pieces.end());
    cut.group_begin.push_back(static_cast<std::int32_t>(cut.by_group.size()));
  }
  return cut;
}

}  // namespace unfold::imaging
