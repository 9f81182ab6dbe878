#pragma once

#include "absl/status/status.h"
#include "common/formats/spi/density_file.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// Writes the density file, the MRC map, the picture or one of Dragonfly's files: what the
/// specification calls the target's path.
absl::Status write_output(const spi_data::DensityFile& file, const v1::SpiSpec& spec,
                          const OutputTarget& target);

/// What is wrong with one of them. The density file is the plan's first output; of the others the
/// content tells what they are.
absl::Status verify_spi_output(const OutputTarget& target);

}  // namespace unfold::engine
