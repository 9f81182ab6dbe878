#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/formats/imaging/source.h"
#include "unfold/v1/types.pb.h"

namespace unfold::plan {

// The parts of complete_imaging() that look at one thing each. Errors name the field.

/// "imaging.name".
std::string imaging_field(const std::string& name);

/// Sorts and checks the updates whose maps are kept.
absl::Status check_saved(v1::ImagingSpec& spec);
/// The data's default where none is named; warns where there is none at all.
absl::Status choose_background(const imaging_data::Header& data, bool dc1, v1::ImagingSpec& spec,
                               std::vector<std::string>& warnings);
/// From 0 to 180 degrees, and no wider than what a worker can hold: weights of all pairs of pixels
/// within four sigmas.
absl::Status check_smoothing(const imaging_data::Header& data, double fwhm_deg);
/// Names that are unique and print, cones that hold a pixel's centre.
absl::Status check_regions(const imaging_data::Header& data, const v1::ImagingSpec& spec);

}  // namespace unfold::plan
