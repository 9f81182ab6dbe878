#pragma once

#include <vector>

#include "workers/kernels/imaging/operator.h"

namespace unfold::imaging {

/// Events begin .. end of one time bin, at most kPieceEvents of them, so that sums in float stay
/// short and long bins can be shared out.
struct Piece {
  Index time, begin, end;
};
inline constexpr Index kPieceEvents = 256;

/// Pieces cut into runs that threads take. Depends on sizes alone, never on threads: each run has
/// an accumulator of its own, and they are added up in order.
struct ListPlan {
  std::vector<Piece> pieces;
  std::vector<Index> run;  ///< [runs + 1] first piece of each
  Index runs() const { return static_cast<Index>(run.size()) - 1; }
};

/// `accumulator` doubles a run: their sum over runs is kept below 64 MiB where 4 runs allow it.
ListPlan plan_list(const Events& events, Subset subset, Index accumulator);

/// All bins of all times, in order [T, D].
Events every_bin(Shape shape);

}  // namespace unfold::imaging
