#include "common/compare/map_diff.h"

#include <map>

#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace unfold::compare {
namespace {

using imaging_data::MapProduct;
using imaging_data::MapRegion;
using Datasets = std::map<std::string, std::vector<double>>;

// Everything that is numbers, by the name it has in the file.
Datasets datasets_of(const MapProduct& map) {
  Datasets out = {{"map", map.map},
                  {"exposure", map.exposure},
                  {"dOmega", map.sky.solid_angle},
                  {"energy_edges", map.energy_edges},
                  {"log_likelihood", map.log_likelihood},
                  {"validation_log_likelihood", map.validation},
                  {"background_amplitude", map.background_amplitude},
                  {"background_amplitude_error", map.amplitude_error},
                  {"standard_error", map.standard_error},
                  {"on_bound", {map.on_bound.begin(), map.on_bound.end()}}};
  for (const auto& [updates, image] : map.maps) out[absl::StrFormat("maps/%d", updates)] = image;
  for (const MapRegion& region : map.regions) {
    out["regions/flux"].push_back(region.flux);
    out["regions/standard_error"].push_back(region.standard_error);
  }
  return out;
}

std::string sky_of(const sky::Grid& sky) {
  if (sky.kind == sky::GridKind::kRegular) return absl::StrFormat("%d x %d", sky.nb, sky.nl);
  return absl::StrFormat("nside %d %s", sky.nside, sky.nested ? "NESTED" : "RING");
}

std::string regions_of(const MapProduct& map) {
  std::string out;
  for (const MapRegion& region : map.regions) {
    absl::StrAppendFormat(&out, "%s:%g,%g,%g ", region.name, region.l_deg, region.b_deg,
                          region.radius_deg);
  }
  return out;
}

Product product_of(const MapProduct& map) {
  return {datasets_of(map),
          {{"sky", sky_of(map.sky)},
           {"energies", std::to_string(map.energies)},
           {"regions", regions_of(map)}},
          map.attributes};
}

}  // namespace

ProductDifference diff_maps(const MapProduct& a, const MapProduct& b, double tolerance) {
  return diff_products(product_of(a), product_of(b), tolerance);
}

absl::StatusOr<ProductDifference> diff_maps(const std::string& a, const std::string& b,
                                            double tolerance) {
  UNFOLD_ASSIGN_OR_RETURN(const MapProduct left, imaging_data::read_map(a, a));
  UNFOLD_ASSIGN_OR_RETURN(const MapProduct right, imaging_data::read_map(b, b));
  return diff_maps(left, right, tolerance);
}

}  // namespace unfold::compare
