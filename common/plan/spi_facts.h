#pragma once

#include "common/plan/spi_options.h"

namespace unfold::plan {

/// What people should know of a job before it runs: into the plan's facts and warnings.
void tell_spi(const SpiData& data, const v1::SpiSpec& spec, v1::Plan& plan);

/// Bytes beside the patterns, and seconds, from operation counts (engines/spi.md f); only their
/// order matters to placement.
void predict_spi(const SpiData& data, const v1::SpiSpec& spec, v1::Plan& plan);

}  // namespace unfold::plan
