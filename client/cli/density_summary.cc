#include "client/cli/density_summary.h"

#include <algorithm>
#include <cmath>

namespace unfold::cli {
namespace {

using nlohmann::ordered_json;
using spi_data::DensityFile;
using spi_data::DensityMap;

ordered_json number_or_null(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

ordered_json summary_of_map(const DensityMap& map) {
  ordered_json json = {{"resolution_A", number_or_null(map.resolution)},
                       {"intensity_resolution_A", number_or_null(map.intensity_resolution)},
                       {"phasing_agreement", number_or_null(map.phasing_agreement)}};
  if (!map.support.empty())
    json["support_voxels"] = std::count(map.support.begin(), map.support.end(), 1);
  for (const auto& [name, value] : map.reference_numbers)
    json["reference_" + name] = number_or_null(value);
  return json;
}

template <class T>
ordered_json count_of(const std::vector<T>& values, T value) {
  return std::count(values.begin(), values.end(), value);
}

}  // namespace

ordered_json summary_of(const DensityFile& file) {
  ordered_json json = {{"verdict", file.verdict},
                       {"grid", file.grid},
                       {"voxel_A", file.voxel()},
                       {"frames", file.orientations.size()},
                       {"generations", file.history.part.size()}};
  if (!file.reasons.empty()) json["reasons"] = file.reasons;
  if (!file.blacklist.empty()) json["non_hits"] = count_of(file.blacklist, std::uint8_t{1});
  if (file.maps.size() == 1) {
    json.update(summary_of_map(file.maps.front()));
    return json;
  }
  json["conformations"] = ordered_json::array();
  for (std::size_t c = 0; c < file.maps.size(); ++c) {
    ordered_json one = summary_of_map(file.maps[c]);
    one["frames"] = count_of(file.conformation, static_cast<std::int32_t>(c));
    json["conformations"].push_back(one);
  }
  return json;
}

}  // namespace unfold::cli
