#pragma once

#include <string_view>

#include "unfold/v1/types.pb.h"

namespace unfold::plan {

/// What desi_proc asks of the extraction for a camera ("r0"): wavelength grid b 3600,5800,0.8;
/// r 5760,7620,0.8; z 7520,9824,0.8 and psferr 0.04 for b, 0.01 for r and z.
v1::ExtractionSpec camera_presets(std::string_view camera);

/// True for the OBSTYPE of exposures that get the barycentric correction: SCIENCE and SKY.
bool corrects_to_barycentre(std::string_view obstype);

/// "b0" .. "z9".
bool is_camera(std::string_view name);

}  // namespace unfold::plan
