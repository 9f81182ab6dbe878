#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/formats/fits/psf.h"
#include "common/plan/plan.h"

namespace unfold::plan {

/// plan() of a job whose engine is extraction.
absl::StatusOr<Planned> plan_extraction(const v1::JobSpec& spec, const Roots& roots);

/// Names the slow part of a PSF, which is all but its traces: exposures whose PSFs differ only by a
/// shift of the traces share it, and so share a resident response.
std::string psf_shape_key(const fits::Psf& psf);

}  // namespace unfold::plan
