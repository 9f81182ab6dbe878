#include "client/cli/map_summary.h"

#include <cmath>
#include <vector>

#include "common/sky/exposure.h"

namespace unfold::cli {
namespace {

using imaging_data::MapProduct;
using nlohmann::ordered_json;

ordered_json number_or_null(double value) {
  return std::isfinite(value) ? ordered_json(value) : ordered_json(nullptr);
}

ordered_json amplitudes_of(const MapProduct& map) {
  ordered_json out = ordered_json::array();
  const auto count = static_cast<std::size_t>(map.amplitudes);
  if (map.background_amplitude.size() < count) return out;
  for (auto a = map.background_amplitude.end() - static_cast<std::ptrdiff_t>(count);
       a != map.background_amplitude.end(); ++a)
    out.push_back(number_or_null(*a));
  return out;
}

ordered_json regions_of(const MapProduct& map) {
  ordered_json out = ordered_json::array();
  for (const imaging_data::MapRegion& region : map.regions)
    out.push_back({{"name", region.name},
                   {"l_deg", region.l_deg},
                   {"b_deg", region.b_deg},
                   {"radius_deg", region.radius_deg},
                   {"flux", region.flux},
                   {"standard_error", number_or_null(region.standard_error)},
                   {"pixels", region.pixels}});
  return out;
}

}  // namespace

nlohmann::ordered_json summary_of(const MapProduct& map) {
  const sky::Brightness found = sky::brightness_of(map.sky, map.map, map.exposure);
  const auto peak = static_cast<std::size_t>(found.peak);
  ordered_json json = {{"pixels", map.sky.pixels()},
                       {"energies", map.energies},
                       {"updates", map.log_likelihood.size()},
                       {"peak_l_deg", map.sky.l_deg[peak]},
                       {"peak_b_deg", map.sky.b_deg[peak]},
                       {"peak_intensity", found.peak_intensity},
                       {"flux", found.flux},
                       {"flux_well_exposed", found.flux_well_exposed}};
  if (!map.log_likelihood.empty())
    json["log_likelihood"] = number_or_null(map.log_likelihood.back());
  json["background_amplitude"] = amplitudes_of(map);
  if (!map.amplitude_error.empty()) {
    json["background_amplitude_error"] = ordered_json::array();
    for (const double value : map.amplitude_error)
      json["background_amplitude_error"].push_back(number_or_null(value));
  }
  if (!map.regions.empty()) json["regions"] = regions_of(map);
  return json;
}

}  // namespace unfold::cli
