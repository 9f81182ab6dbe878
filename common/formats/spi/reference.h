#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// A known structure to compare a density with: a PDB file, or an MRC map. Which of them the
/// content tells, not the name.

/// That it can be read: the errors of read_pdb() and read_mrc().
absl::Status check_reference(const NamedFile& file);

/// As a density [M^3] with voxels of 1 / (2 qmax), its centre of mass at M / 2: what the atoms
/// scatter within the cube of modes, or the map averaged over each voxel, zero outside.
absl::StatusOr<std::vector<double>> reference_density(const NamedFile& file, std::int64_t grid,
                                                      double qmax);

}  // namespace unfold::spi_data
