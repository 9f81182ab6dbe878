#pragma once

#include <nlohmann/json.hpp>

#include "common/formats/imaging/map_file.h"

namespace unfold::cli {

/// What a person asks of a map first: its brightest well exposed pixel (a tenth of the largest
/// exposure), flux, regions with their errors, updates and the background amplitudes they ended
/// with. Errors that the map lacks are null.
nlohmann::ordered_json summary_of(const imaging_data::MapProduct& map);

}  // namespace unfold::cli
