#pragma once

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// Dragonfly's detector, text (.dat) or HDF5, whichever the contents are. Its q are in voxels whose
/// Ewald sphere has the radius ewald_rad = 1 / wavelength; `wavelength` (Angstrom) makes them
/// 1/Angstrom. 0: what the file itself tells, which is an extension of ours (a fourth number of the
/// head line, an attribute `wavelength_A`). The shape is that of HDF5's arrays or of a complete
/// grid in row-major order, else [1, 1, P]. BAD_DETECTOR names the line; UNKNOWN_WAVELENGTH,
/// NO_GOOD_PIXEL.
absl::StatusOr<Detector> read_dragonfly_detector(const NamedFile& file, double wavelength);

}  // namespace unfold::spi_data
