#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// True where the file has what Dragonfly's HDF5 photons have.
absl::StatusOr<bool> is_emc_tree(const hdf5::File& file);
/// The HDF5 twin of .emc: `num_pix`, and `place_ones`, `place_multi`, `count_multi` [N] of
/// variable length. BAD_EMC, OTHER_DETECTOR, and hdf5's.
absl::StatusOr<std::unique_ptr<PatternSource>> open_emc_tree(const hdf5::File& file,
                                                             const Detector& detector);

}  // namespace unfold::spi_data
