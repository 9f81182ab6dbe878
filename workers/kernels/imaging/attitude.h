#pragma once

#include <cstdint>
#include <vector>

#include "workers/kernels/imaging/responses.h"

namespace unfold::imaging {

/// Lookups of the pointings, in order of time bin, without those that see nothing or last 0 s.
class Attitude {
 public:
  /// Entries whose pixels lie within 65536 of `first_pixel`.
  struct Part {
    Index begin, end;  ///< in entry and weight
    Index first_pixel;
    double live_time;
  };

  Index times = 0, pixels = 0, directions = 0;
  Index first_used = 0, last_used = 0;  ///< directions outside [first, last) are never looked up
  std::vector<Index> begin;             ///< [T+1] into part
  std::vector<Part> part;
  std::vector<std::uint32_t> entry;  ///< (pixel - first_pixel) << 16 | direction
  std::vector<float> weight;         ///< of entries, or empty: 1
};

}  // namespace unfold::imaging
