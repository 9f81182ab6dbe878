#pragma once

#include <nlohmann/json.hpp>

#include "common/formats/spi/density_file.h"

namespace unfold::cli {

/// What `unfold view` says of a density in words: the verdict, resolutions and counts. Numbers that
/// are not finite are null.
nlohmann::ordered_json summary_of(const spi_data::DensityFile& file);

}  // namespace unfold::cli
