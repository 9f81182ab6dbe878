#include "workers/engines/imaging/map_product.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/version.h"
#include "common/plan/imaging_options.h"
#include "common/plan/imaging_plan.h"
#include "common/sky/exposure.h"
#include "workers/engines/parameters.h"

namespace unfold::engine {
namespace {

using Attributes = std::map<std::string, imaging_data::Attribute>;

constexpr std::size_t kMostAmplitudesShown = 8;
constexpr std::size_t kMostRegionsShown = 20;

Attributes attributes_of(const imaging::Result& result, const imaging_data::Header& header,
                         const v1::ImagingSpec& spec, const Provenance& provenance) {
  Attributes out = parameters_of(spec, "");
  out.merge(parameters_of(spec.binning(), "binning."));
  out["algorithm"] = plan::word_of(spec.algorithm());
  out["storage"] = plan::word_of(spec.storage());
  out["stop"] = plan::word_of(spec.stop());
  out["prior"] = plan::word_of(spec.prior());
  if (spec.bootstrap() > 0) {
    out["bootstrap_stop"] = spec.bootstrap_stop() == v1::BOOTSTRAP_STOP_FIXED ? "fixed" : "refit";
  }
  out["background"] = absl::StrJoin(spec.background(), ",");
  out["save_iterations"] = absl::StrJoin(spec.save_iterations(), ",");
  out["binning.group_starts"] = absl::StrJoin(spec.binning().group_starts(), ",");
  out["job"] = provenance.job_id;
  out["code_version"] = absl::StrCat("unfold ", kVersion, " ", kCommit);
  out["data_format"] = header.format;  // `format` is the map file's own
  out["response_key"] = provenance.response_key;
  if (!header.response_digest.empty()) out["response_digest"] = header.response_digest;
  for (const plan::ImagingInput& input : plan::inputs_of(spec)) {
    const std::string name = input.field.substr(input.field.find('.') + 1);
    if (const auto known = provenance.sha256.find(input.path); known != provenance.sha256.end()) {
      out[name + "_sha256"] = known->second;
    }
  }
  out["stopped_by"] = result.stopped_by;
  out["updates"] = static_cast<std::int64_t>(result.iterations);
  out["impossible_events"] = static_cast<std::int64_t>(result.impossible_events);
  return out;
}

void summarise_amplitudes(const std::vector<double>& amplitude,
                          std::map<std::string, double>& out) {
  if (amplitude.empty()) return;
  if (amplitude.size() <= kMostAmplitudesShown) {
    for (std::size_t a = 0; a < amplitude.size(); ++a) {
      out[absl::StrCat("background_amplitude_", a)] = amplitude[a];
    }
    return;
  }
  const auto [least, most] = std::minmax_element(amplitude.begin(), amplitude.end());
  out["background_amplitude_least"] = *least;
  out["background_amplitude_most"] = *most;
  out["background_amplitude_mean"] = std::accumulate(amplitude.begin(), amplitude.end(), 0.0) /
                                     static_cast<double>(amplitude.size());
}

void summarise_regions(const std::vector<imaging::RegionResult>& regions,
                       std::map<std::string, double>& out) {
  for (std::size_t i = 0; i < std::min(regions.size(), kMostRegionsShown); ++i) {
    out["flux_" + regions[i].name] = regions[i].flux;
    if (!std::isfinite(regions[i].standard_error)) continue;
    out["flux_error_" + regions[i].name] = regions[i].standard_error;
    out["flux_bias_" + regions[i].name] = regions[i].bias;
  }
}

std::vector<imaging_data::MapRegion> regions_of(const imaging::Result& result,
                                                const v1::ImagingSpec& spec) {
  std::vector<imaging_data::MapRegion> out;
  for (std::size_t i = 0; i < result.regions.size(); ++i) {
    const imaging::RegionResult& found = result.regions[i];
    const v1::SkyRegion& asked = spec.regions(static_cast<int>(i));
    out.push_back({.name = found.name,
                   .l_deg = asked.l(),
                   .b_deg = asked.b(),
                   .radius_deg = asked.radius(),
                   .flux = found.flux,
                   .standard_error = found.standard_error,
                   .pixels = found.pixels});
  }
  return out;
}

}  // namespace

std::vector<double> by_energy(std::span<const double> model, const imaging_data::Header& header) {
  std::vector<double> out(model.begin(), model.end());
  if (header.energies == 1 || !header.energy_fastest || model.empty()) return out;
  const auto pixels = static_cast<std::size_t>(header.sky.pixels());
  const auto energies = static_cast<std::size_t>(header.energies);
  for (std::size_t p = 0; p < pixels; ++p) {
    for (std::size_t e = 0; e < energies; ++e) out[e * pixels + p] = model[p * energies + e];
  }
  return out;
}

imaging_data::MapProduct map_of(const imaging::Result& result, std::span<const double> exposure,
                                const imaging_data::Header& header, const v1::ImagingSpec& spec,
                                const Provenance& provenance) {
  imaging_data::MapProduct out;
  out.sky = header.sky;
  out.energy_edges = header.energy_edges;
  out.energies = header.energies;
  out.map = by_energy(result.estimate.image, header);
  for (std::size_t i = 0; i < result.saved.size(); ++i) {
    out.maps[result.saved_at[i]] = by_energy(result.saved[i], header);
  }
  out.exposure = by_energy(exposure, header);
  out.log_likelihood = result.log_likelihood;
  out.validation = result.validation;
  out.background_amplitude = result.amplitude;
  out.amplitudes = static_cast<std::int64_t>(result.estimate.amplitude.size());
  out.amplitude_error = result.amplitude_error;
  out.standard_error = by_energy(result.standard_error, header);
  if (!result.on_bound.empty()) {
    const std::vector<double> flags(result.on_bound.begin(), result.on_bound.end());
    for (const double flag : by_energy(flags, header)) {
      out.on_bound.push_back(static_cast<std::uint8_t>(flag));
    }
  }
  out.regions = regions_of(result, spec);
  out.attributes = attributes_of(result, header, spec, provenance);
  return out;
}

std::map<std::string, double> summary_of(const imaging::Result& result,
                                         const imaging_data::Header& header,
                                         std::span<const double> exposure,
                                         std::span<const double> counts) {
  std::map<std::string, double> out;
  if (!result.log_likelihood.empty()) out["log_likelihood"] = result.log_likelihood.back();
  out["iterations"] = static_cast<double>(result.iterations);
  out["counts"] = std::accumulate(counts.begin(), counts.end(), 0.0);
  out["impossible_events"] = static_cast<double>(result.impossible_events);
  out["stopped_by_" + result.stopped_by] = 1;
  const sky::Brightness found = sky::brightness_of(
      header.sky, by_energy(result.estimate.image, header), by_energy(exposure, header));
  const auto peak = static_cast<std::size_t>(found.peak);
  out["flux"] = found.flux;
  out["flux_well_exposed"] = found.flux_well_exposed;
  out["peak_l_deg"] = header.sky.l_deg[peak];
  out["peak_b_deg"] = header.sky.b_deg[peak];
  out["peak_intensity"] = found.peak_intensity;
  summarise_amplitudes(result.estimate.amplitude, out);
  summarise_regions(result.regions, out);
  return out;
}

}  // namespace unfold::engine
