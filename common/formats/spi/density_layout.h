#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

// Names in the density file, for its writer and its reader.
namespace unfold::spi_data {

inline constexpr char kDensityFormat[] = "unfold density";
inline constexpr char kQuaternions[] =
    "(w, x, y, z), R its matrix: q_volume = R^T q_laboratory, beam along +z";

/// Attributes of "/" that say what the file is; all others are provenance and parameters.
inline constexpr const char* kOwnAttributes[] = {"format",  "grid",    "qmax_invA",
                                                 "voxel_A", "verdict", "reasons"};
inline bool is_own(std::string_view name) {
  return std::find(std::begin(kOwnAttributes), std::end(kOwnAttributes), name) !=
         std::end(kOwnAttributes);
}

/// The datasets of a map, of DensityMap's vectors.
template <class Map, class Take>
void for_each_volume(Map& map, const Take& take) {
  take("autocorrelation", map.autocorrelation);
  take("intensity", map.intensity);
  take("intensity_weight", map.intensity_weight);
  take("half_density_1", map.half_density[0]);
  take("half_density_2", map.half_density[1]);
  take("reference/density", map.reference_density);
}
template <class Map, class Take>
void for_each_curve(Map& map, const Take& take) {
  take("fsc", map.fsc);
  take("fsc_corrected", map.fsc_corrected);
  take("intensity_fsc", map.intensity_fsc);
  take("prtf", map.prtf);
  take("reference/fsc", map.reference_fsc);
}
template <class File, class Take>
void for_each_frame_number(File& file, const Take& take) {
  take("frame", file.frame);
  take("fluences", file.fluences);
  take("scores", file.scores);
  take("gains", file.gains);
  take("entropy", file.entropy);
  take("conformation", file.conformation);
  take("blacklist", file.blacklist);
  take("half", file.half);
}

}  // namespace unfold::spi_data
