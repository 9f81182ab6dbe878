#pragma once

#include "absl/status/status.h"
#include "common/simulate/imaging.h"

namespace unfold::simulate {

/// InvalidArgument/OUT_OF_RANGE with the option's name as field.
absl::Status check_imaging_options(const ImagingOptions& options);

}  // namespace unfold::simulate
