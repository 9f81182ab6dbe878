#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "common/simulate/spi.h"

namespace unfold::simulate {

/// Everything that a reconstruction must find out, as HDF5: of each frame `orientations` [N, 4],
/// `fluences`, `conformation`, `non_hit`, `beam_offset` [N, 2] pixels; of conformation c
/// `atoms/<c>` [A, 5] (Z, x, y, z, occupancy), `density/<c>` [M, M, M] electrons a voxel,
/// `volume/<c>` [M, M, M, 2] (its complex modes); `background` [P] where there is one. `qmax` and
/// what the options said are attributes. Overwrites `path`.
absl::Status write_spi_truth(const std::string& path, const SpiPatterns& patterns,
                             std::span<const spi_data::Molecule> molecules,
                             const SpiOptions& options, std::int64_t grid);

}  // namespace unfold::simulate
