#pragma once

#include <vector>

#include "absl/status/status.h"
#include "common/simulate/spi.h"

namespace unfold::simulate {

/// InvalidArgument with the option's name as field.
absl::Status check_geometry(const SpiGeometry& geometry);
absl::Status check_spi_options(const SpiOptions& options, std::size_t molecules);

/// Edge of a pixel, m.
double pixel_size_of(const SpiGeometry& geometry);
/// q of every pixel when the beam's centre lies `dx`, `dy` pixels off the detector's. [P, 3]
std::vector<double> pixel_q(const SpiGeometry& geometry, double dx, double dy);

/// |q| of pixels. [P]
std::vector<double> lengths_of(std::span<const double> q);

}  // namespace unfold::simulate
