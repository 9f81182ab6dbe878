#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/status/status.h"
#include "common/formats/hdf5/writer.h"
#include "common/formats/imaging/map_file.h"

// What writing and reading a map file share.
namespace unfold::imaging_data {

inline constexpr char kMapFormat[] = "unfold imaging map 1";

/// Attributes of the root that tell the format and the sky, not the job.
inline bool is_layout_attribute(std::string_view name) {
  constexpr std::array<std::string_view, 6> kNames = {"format",  "nl",    "nb",
                                                      "pix_deg", "nside", "ordering"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Group `hist`: the map as histpy writes a model [lb, Ei].
absl::Status write_histogram(hdf5::Writer& writer, const MapProduct& product);

}  // namespace unfold::imaging_data
