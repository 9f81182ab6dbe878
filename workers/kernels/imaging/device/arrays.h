#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "workers/compute/view.h"
#include "workers/kernels/imaging/kernels.h"

/// Host arrays that a device takes copies of. They cross the border of the CUDA module, so they are
/// plain.
namespace unfold::imaging {

using compute::Index;

/// A PackedResponse: rows [T, D, stride], of which columns outside [first_used, last_used) are 0.
struct ResponseArrays {
  Index times = 0, columns = 0, bins = 0, stride = 0;
  Index first_used = 0, last_used = 0;
  Element element = Element::kF64;
  const std::byte* rows = nullptr;
  std::span<const double> scale;    ///< [T, columns], or empty: 1
  std::span<const double> row_sum;  ///< [T, columns]
};

/// A response whose rows come later, in pieces.
struct ResponseSizes {
  Index times = 0, columns = 0, bins = 0;
  Element element = Element::kF64;
  bool scaled = false;
};

/// Entries begin .. end of one pointing; pixels within 65536 of `first_pixel`.
struct AttitudePart {
  Index begin, end, first_pixel;
  double live_time;
};

/// An Attitude, of fewer than 2^31 entries and at most 65536 parts in a time bin.
struct AttitudeArrays {
  Index times = 0, pixels = 0, directions = 0;
  std::span<const Index> begin;  ///< [T+1] into part
  std::span<const AttitudePart> part;
  std::span<const std::uint32_t> entry;  ///< (pixel - first_pixel) << 16 | direction
  std::span<const float> weight;         ///< of entries, or empty: 1
};

/// Events (fewer than 2^31) and Background.
struct ListArrays {
  std::span<const Index> begin;       ///< [T+1]
  std::span<const std::int32_t> bin;  ///< [N]
  Index components = 0, groups = 1;
  std::span<const std::int32_t> group;  ///< [T], or empty where there are no components
  std::span<const double> at_events;    ///< [C, N]
};

}  // namespace unfold::imaging
