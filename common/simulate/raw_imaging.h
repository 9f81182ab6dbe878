#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/simulate/imaging.h"

namespace unfold::simulate {

/// The files that the Data Challenge 1 comes in (engines/imaging.md a).
struct RawImagingFiles {
  std::string events;      ///< .tra.gz: Compton events with times and aspects
  std::string attitude;    ///< .ori: five columns (balloon) or ten (orbit)
  std::string background;  ///< .npz: bg_response, energy_bin_edges, n_bg_ph_per_bin
  std::string response;    ///< .npz: ResponseGrid and its axes
};

/// The same counts as events: somewhere in their CDS bins, at some time of their pointings, with
/// energies within 8 keV of the line. Existing files are replaced. Unavailable/WRITE_FAILED.
absl::Status write_raw_imaging(const RawImagingFiles& files, const ImagingScene& scene,
                               const imaging_data::ProblemParts& parts,
                               const std::vector<DrawnEvent>& events);

}  // namespace unfold::simulate
