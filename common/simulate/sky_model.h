#pragma once

#include <vector>

#include "common/simulate/imaging.h"
#include "common/sky/grid.h"

namespace unfold::simulate {

/// Where photons come from: directions and their fluxes.
struct SkyModel {
  sky::Grid directions;      ///< l_deg and b_deg alone
  std::vector<double> flux;  ///< cm-2 s-1, > 0
};

/// Bulge and disk on the pixels of `grid`; sources at the centres of their pixels, or
/// (`at_their_places`) exactly where they are.
SkyModel sky_model(const ImagingOptions& options, const sky::Grid& grid, bool at_their_places);
/// Mean intensity of each pixel, cm-2 s-1 sr-1. [P]
std::vector<double> binned(const SkyModel& model, const sky::Grid& grid);

}  // namespace unfold::simulate
