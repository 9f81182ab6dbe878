#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/simulate/imaging.h"

namespace unfold::simulate {

/// Events as MEGAlib writes them, gzip; see write_raw_imaging().
absl::Status write_events(const std::string& path, const ImagingScene& scene,
                          const imaging_data::ProblemParts& parts,
                          const std::vector<DrawnEvent>& events);

/// Lines `OG t xlat xlon zlat zlon`; of an orbit also altitude (km), latitude and longitude of the
/// Earth's zenith, and live time (s) up to the next line.
absl::Status write_orientations(const std::string& path, const Flight& flight,
                                const imaging_data::Attitude& attitude);

}  // namespace unfold::simulate
