#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/compare/product_diff.h"
#include "common/formats/spi/density_file.h"

namespace unfold::compare {

/// The same grid, verdict, volumes, curves, numbers of each frame, history and parameters? A
/// quaternion and its negative are one orientation; seconds of the history are not compared. Turned
/// or mirrored densities are different ones.
ProductDifference diff_densities(const spi_data::DensityFile& a, const spi_data::DensityFile& b,
                                 double tolerance);
/// Reads both files. Errors: what reading gave, with the file's name in it.
absl::StatusOr<ProductDifference> diff_densities(const std::string& a, const std::string& b,
                                                 double tolerance);

}  // namespace unfold::compare
