#pragma once

#include "common/formats/imaging/fields.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// Shapes of the pointings of a group: `dt` [V], `time_bin` [V], `lookup_k` [V, P] or [V, P, 4],
/// with `lookup_weight` of the same shape or without, and `pointing_axes_galactic` [V, 3, 3] or
/// not.
struct AttitudePlace {
  std::int64_t pointings = 0;
  std::int64_t neighbours = 1;
  bool weights = false;
  bool axes = false;
};
/// Looks at times and time bins, too.
absl::StatusOr<AttitudePlace> find_attitude(const Fields& fields, std::int64_t times,
                                            std::int64_t pixels);
/// BAD_VALUE for a direction that is neither below `directions` nor 65535, and for weights that are
/// negative or not finite.
absl::StatusOr<Attitude> read_attitude(const Fields& fields, const AttitudePlace& place,
                                       std::int64_t times, std::int64_t pixels,
                                       std::int64_t directions);

}  // namespace unfold::imaging_data
