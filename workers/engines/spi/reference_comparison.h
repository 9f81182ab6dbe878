#pragma once

#include <vector>

#include "common/formats/spi/density_file.h"
#include "workers/compute/cpu_device.h"

namespace unfold::engine {

/// Turns a known density [M^3] onto each map of a finished file (any rotation, shift and hand) and
/// adds what both have in common: `correlation` of Fourier modes within qmax, shell correlations,
/// `resolution` where these fall below 0.5, `inverted` (1: the map is the reference's mirror
/// image). The maps themselves are not touched.
void compare_with_reference(compute::Cpu& cpu, const std::vector<double>& reference,
                            spi_data::DensityFile& file);

}  // namespace unfold::engine
