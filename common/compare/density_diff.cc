#include "common/compare/density_diff.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"

namespace unfold::compare {
namespace {

using spi_data::DensityFile;
using spi_data::DensityMap;

/// The names that the file has.
void add_map(const DensityMap& map, const std::string& prefix, Product& out) {
  auto& to = out.datasets;
  to[prefix + "density"] = map.density;
  to[prefix + "autocorrelation"] = map.autocorrelation;
  to[prefix + "intensity"] = map.intensity;
  to[prefix + "intensity_weight"] = map.intensity_weight;
  to[prefix + "support"].assign(map.support.begin(), map.support.end());
  to[prefix + "half_density_1"] = map.half_density[0];
  to[prefix + "half_density_2"] = map.half_density[1];
  to[prefix + "fsc"] = map.fsc;
  to[prefix + "fsc_corrected"] = map.fsc_corrected;
  to[prefix + "intensity_fsc"] = map.intensity_fsc;
  to[prefix + "prtf"] = map.prtf;
  to[prefix + "reference/density"] = map.reference_density;
  to[prefix + "reference/fsc"] = map.reference_fsc;
  for (const auto& [name, value] : map.reference_numbers)
    to[absl::StrCat(prefix, "reference@", name)] = {value};
  to[prefix + "resolution_A"] = {map.resolution};
  to[prefix + "intensity_resolution_A"] = {map.intensity_resolution};
  to[prefix + "phasing_agreement"] = {map.phasing_agreement};
}

/// [N, 4] as (w, x, y, z); of a quaternion and its negative, the one nearer to `like`.
std::vector<double> orientations(const DensityFile& file, const DensityFile& like) {
  std::vector<double> out;
  for (std::size_t i = 0; i < file.orientations.size(); ++i) {
    double product = 0;
    for (std::size_t k = 0; k < 4 && i < like.orientations.size(); ++k)
      product += file.orientations[i][k] * like.orientations[i][k];
    for (const double part : file.orientations[i]) out.push_back(product < 0 ? -part : part);
  }
  return out;
}

template <class T>
std::vector<double> doubles(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

void add_frames(const DensityFile& file, const DensityFile& like, Product& out) {
  auto& to = out.datasets;
  to["orientations"] = orientations(file, like);
  to["frame"] = doubles(file.frame);
  to["fluences"] = file.fluences;
  to["scores"] = file.scores;
  to["gains"] = file.gains;
  to["entropy"] = file.entropy;
  to["conformation"] = doubles(file.conformation);
  to["blacklist"] = doubles(file.blacklist);
  to["half"] = doubles(file.half);
  to["background"] = doubles(file.background);
  for (const auto& [name, values] : file.history.numbers)
    if (!absl::StartsWith(name, "seconds")) to["history/" + name] = values;
}

Product product_of(const DensityFile& file, const DensityFile& like) {
  Product out;
  for (std::size_t c = 0; c < file.maps.size(); ++c)
    add_map(file.maps[c], c == 0 ? "" : absl::StrCat("conformation_", c, "/"), out);
  add_frames(file, like, out);
  out.layout = {{"grid", std::to_string(file.grid)},
                {"qmax", absl::StrFormat("%.9g", file.qmax)},
                {"conformations", std::to_string(file.maps.size())},
                {"verdict", file.verdict},
                {"reasons", absl::StrJoin(file.reasons, "; ")},
                {"stages", absl::StrJoin(file.history.stage, " ")}};
  out.attributes = file.attributes;
  return out;
}

}  // namespace

ProductDifference diff_densities(const DensityFile& a, const DensityFile& b, double tolerance) {
  return diff_products(product_of(a, b), product_of(b, b), tolerance);
}

absl::StatusOr<ProductDifference> diff_densities(const std::string& a, const std::string& b,
                                                 double tolerance) {
  UNFOLD_ASSIGN_OR_RETURN(const DensityFile left, spi_data::read_density(a, a));
  UNFOLD_ASSIGN_OR_RETURN(const DensityFile right, spi_data::read_density(b, b));
  return diff_densities(left, right, tolerance);
}

}  // namespace unfold::compare
