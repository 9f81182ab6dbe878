#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace unfold::spi {

struct Candidate {
  float score = -std::numeric_limits<float>::infinity();
  std::int32_t place = -1;
};

/// Larger scores first, equal ones by place: an order that does not depend on who came first.
inline bool better(const Candidate& a, const Candidate& b) {
  return a.score > b.score || (a.score == b.score && a.place < b.place);
}

/// Puts `candidate` where it belongs among the best so far (sorted; entries of place -1 are free)
/// and drops the last; no change where it is worse than all. Kind: a Candidate.
template <class Kind>
void insert(std::span<Kind> best, const Kind& candidate) {
  std::size_t i = best.size();
  const auto after = [&](const Candidate& other) {
    return other.place < 0 || better(candidate, other);
  };
  if (!after(best[i - 1])) return;
  for (--i; i > 0 && after(best[i - 1]); --i) best[i] = best[i - 1];
  best[i] = candidate;
}

}  // namespace unfold::spi
