#pragma once

#include "absl/status/status.h"
#include "common/formats/imaging/map_file.h"
#include "unfold/v1/types.pb.h"
#include "workers/engines/engine.h"

namespace unfold::engine {

/// Writes the map file, the FITS map or the picture: what the specification calls the target's
/// path.
absl::Status write_output(const imaging_data::MapProduct& map, const v1::ImagingSpec& spec,
                          const OutputTarget& target);

/// What is wrong with one of them. The map file is the plan's first output; of the others the first
/// bytes tell.
absl::Status verify_output(const OutputTarget& target);

}  // namespace unfold::engine
