#pragma once

#include <string>

#include "absl/status/status.h"
#include "unfold/v1/types.pb.h"

namespace unfold::cli {

/// Sets what cosipy's image-deconvolution parameter file (YAML) says in `spec`: algorithm,
/// iterations, acceleration, weighting, smoothing, stop rule, priors, initial flux. Fields that the
/// file does not name keep their value. UNKNOWN_PARAMETER names the first key that unfold does not
/// know ("deconvolution.parameter.foo") and BAD_PARAMETER a value that it cannot honour.
absl::Status apply_parfile(const std::string& path, v1::ImagingSpec& spec);

}  // namespace unfold::cli
