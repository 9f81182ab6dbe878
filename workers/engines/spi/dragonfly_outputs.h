#pragma once

#include "common/formats/spi/density_file.h"
#include "common/formats/spi/dragonfly.h"
#include "unfold/v1/types.pb.h"

namespace unfold::engine {

/// A finished density as Dragonfly's viewer opens an iteration. Rotations are numbered as the
/// density file's frames: pattern i has rotation i of its `orientations`.
spi_data::Iterate iterate_of(const spi_data::DensityFile& file);

/// The generations of the whole set as EMC.log; the last bears the number of the iterate.
spi_data::Log log_of(const spi_data::DensityFile& file, const v1::SpiSpec& spec);

}  // namespace unfold::engine
