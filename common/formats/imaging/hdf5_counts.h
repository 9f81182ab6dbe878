#pragma once

#include "common/formats/imaging/fields.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// The counts of a group: `counts` [T, D], or `events_begin` [T+1], `events_bin` [N] and
/// `events_count` [N].
struct CountsPlace {
  bool events = false;
  std::int64_t times = 0;
  std::int64_t bins = -1;   ///< -1: an event list does not tell
  std::int64_t stored = 0;  ///< elements to read
};
absl::StatusOr<CountsPlace> find_counts(const Fields& fields);

/// Reads them. BAD_VALUE for what is no count, for a bin outside, and for bins that do not increase
/// within a time bin.
absl::StatusOr<Counts> read_counts(const Fields& fields, const CountsPlace& place,
                                   std::int64_t bins);

}  // namespace unfold::imaging_data
