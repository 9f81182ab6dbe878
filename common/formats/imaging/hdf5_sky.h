#pragma once

#include "common/formats/imaging/fields.h"
#include "common/sky/grid.h"

namespace unfold::imaging_data {

/// The sky of a group: `l_deg`, `b_deg`, `dOmega` [P] and attributes nl, nb, pix_deg, or nside and
/// ordering ("RING" or "NESTED"). The centres must be those of the grid that the attributes tell.
absl::StatusOr<sky::Grid> read_sky(const Fields& fields);

}  // namespace unfold::imaging_data
