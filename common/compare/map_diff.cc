#include "common/compare/map_diff.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"

namespace unfold::compare {
namespace {

using imaging_data::MapProduct;
using imaging_data::MapRegion;
using Datasets = std::map<std::string, std::vector<double>>;

bool is_provenance(const std::string& name) {
  return name == "job" || absl::StartsWith(name, "unfold_") || absl::EndsWith(name, "_sha256") ||
         absl::EndsWith(name, "_path");
}

// Everything that is numbers, by the name it has in the file; what a map lacks is left out.
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
  std::erase_if(out, [](const auto& entry) { return entry.second.empty(); });
  return out;
}

double largest_of(const std::vector<double>& values) {
  double out = 0;
  for (const double value : values) out = std::fmax(out, std::abs(value));  // NaN does not count
  return out;
}

MapQuantity quantity(const std::string& name, const std::vector<double>& a,
                     const std::vector<double>& b, double tolerance) {
  MapQuantity out{
      .name = name, .compared = static_cast<std::int64_t>(a.size()), .tolerance = tolerance};
  const double scale = std::max(largest_of(a), largest_of(b));
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double ratio = std::abs(a[i] - b[i]) / scale;
    const double size = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
    squares += size * size;
    if (size <= out.largest) continue;
    out.largest = size;
    out.index = static_cast<std::int64_t>(i);
  }
  if (!a.empty()) out.rms = std::sqrt(squares / static_cast<double>(a.size()));
  out.within = out.largest <= tolerance;
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

void compare_text(const std::string& name, const std::string& a, const std::string& b,
                  std::vector<std::string>& lines) {
  if (a != b) lines.push_back(absl::StrFormat("%s: %s / %s", name, a, b));
}

std::string text_of(const imaging_data::Attribute& value) {
  if (const std::string* text = std::get_if<std::string>(&value)) return *text;
  if (const double* real = std::get_if<double>(&value)) return absl::StrFormat("%.15g", *real);
  return absl::StrFormat("%d", std::get<std::int64_t>(value));
}

std::map<std::string, std::string> parameters_of(const MapProduct& map) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : map.attributes) {
    if (!is_provenance(name)) out[name] = text_of(value);
  }
  return out;
}

void compare_parameters(const MapProduct& a, const MapProduct& b, MapDifference& out) {
  const auto left = parameters_of(a);
  const auto right = parameters_of(b);
  std::set<std::string> names;
  for (const auto& [name, value] : left) names.insert(name);
  for (const auto& [name, value] : right) names.insert(name);
  for (const std::string& name : names) {
    const auto l = left.find(name);
    const auto r = right.find(name);
    compare_text(name, l == left.end() ? "absent" : l->second,
                 r == right.end() ? "absent" : r->second, out.parameters);
  }
}

void compare_datasets(const MapProduct& a, const MapProduct& b, double tolerance,
                      MapDifference& out) {
  const Datasets left = datasets_of(a);
  Datasets right = datasets_of(b);
  for (const auto& [name, values] : left) {
    const auto other = right.extract(name);
    if (other.empty()) {
      out.layout.push_back(name + ": present / absent");
    } else if (other.mapped().size() != values.size()) {
      compare_text(name + " numbers", std::to_string(values.size()),
                   std::to_string(other.mapped().size()), out.layout);
    } else {
      out.quantities.push_back(quantity(name, values, other.mapped(), tolerance));
    }
  }
  for (const auto& [name, values] : right) out.layout.push_back(name + ": absent / present");
}

}  // namespace

MapDifference diff_maps(const MapProduct& a, const MapProduct& b, double tolerance) {
  MapDifference out;
  compare_text("sky", sky_of(a.sky), sky_of(b.sky), out.layout);
  compare_text("energies", std::to_string(a.energies), std::to_string(b.energies), out.layout);
  compare_text("regions", regions_of(a), regions_of(b), out.layout);
  compare_datasets(a, b, tolerance, out);
  compare_parameters(a, b, out);
  out.same = out.layout.empty() && out.parameters.empty() &&
             std::all_of(out.quantities.begin(), out.quantities.end(),
                         [](const MapQuantity& q) { return q.within; });
  return out;
}

absl::StatusOr<MapDifference> diff_maps(const std::string& a, const std::string& b,
                                        double tolerance) {
  UNFOLD_ASSIGN_OR_RETURN(const MapProduct left, imaging_data::read_map(a, a));
  UNFOLD_ASSIGN_OR_RETURN(const MapProduct right, imaging_data::read_map(b, b));
  return diff_maps(left, right, tolerance);
}

std::string to_text(const MapDifference& difference) {
  std::string out;
  for (const std::string& line : difference.layout)
    absl::StrAppend(&out, "layout     ", line, "\n");
  for (const std::string& line : difference.parameters) {
    absl::StrAppend(&out, "parameter  ", line, "\n");
  }
  if (!difference.quantities.empty()) {
    absl::StrAppendFormat(&out, "%-26s %9s %11s %11s %10s  %-9s %s\n", "dataset", "compared",
                          "largest", "rms", "tolerance", "at", "");
  }
  for (const MapQuantity& q : difference.quantities) {
    absl::StrAppendFormat(&out, "%-26s %9d %11.3g %11.3g %10.3g  %-9s %s\n", q.name, q.compared,
                          q.largest, q.rms, q.tolerance,
                          q.index < 0 ? "-" : absl::StrFormat("%d", q.index),
                          q.within ? "ok" : "DIFFERS");
  }
  absl::StrAppend(&out, difference.same ? "same within tolerances\n" : "different\n");
  return out;
}

std::string to_json(const MapDifference& difference) {
  nlohmann::ordered_json quantities = nlohmann::ordered_json::array();
  for (const MapQuantity& q : difference.quantities) {
    quantities.push_back({{"name", q.name},
                          {"compared", q.compared},
                          {"largest", q.largest},
                          {"rms", q.rms},
                          {"tolerance", q.tolerance},
                          {"index", q.index},
                          {"within", q.within}});
  }
  const nlohmann::ordered_json out = {{"same", difference.same},
                                      {"layout", difference.layout},
                                      {"quantities", quantities},
                                      {"parameters", difference.parameters}};
  return out.dump();
}

}  // namespace unfold::compare
