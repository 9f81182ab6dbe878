#include "workers/engines/spi/density_product.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/version.h"
#include "common/plan/spi_options.h"
#include "common/plan/spi_plan.h"
#include "workers/engines/parameters.h"

namespace unfold::engine {
namespace {

using Attributes = std::map<std::string, spi_data::Attribute>;

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

spi_data::DensityMap map_of(const spi::Map& from) {
  spi_data::DensityMap out;
  out.density = from.density;
  out.autocorrelation = from.autocorrelation;
  out.intensity = from.intensity;
  out.intensity_weight = from.intensity_weight;
  out.support = from.support;
  out.half_density = {from.half_density[0], from.half_density[1]};
  out.fsc = from.half_correlation;
  out.fsc_corrected = from.half_correlation_corrected;
  out.intensity_fsc = from.half_intensity_correlation;
  out.prtf = from.prtf;
  out.resolution = from.resolution;
  out.intensity_resolution = from.intensity_resolution;
  out.phasing_agreement = from.phasing_agreement;
  return out;
}

spi_data::History history_of(const std::vector<spi::Report>& reports) {
  spi_data::History out;
  for (const spi::Report& report : reports) {
    const spi::Generation& g = report.generation;
    out.part.push_back(report.part);
    out.stage.push_back(g.stage);
    const auto add = [&](const char* name, double value) { out.numbers[name].push_back(value); };
    add("generation", g.number);
    add("references", static_cast<double>(g.references));
    add("beta", g.beta);
    add("resolution", g.resolution);
    add("log_likelihood", g.log_likelihood);
    add("gain", g.gain);
    add("median_change_degrees", g.median_change_degrees);
    add("entropy", g.entropy);
    add("fourier_error", g.fourier_error);
    add("half_resolution", report.half_resolution);
  }
  return out;
}

/// What a reader may ask of the patterns without opening them.
void describe(const ResidentPatterns& patterns, Attributes& out) {
  std::vector<std::uint8_t> good;
  for (const spi::PixelClass pixel : patterns.detector.mask) {
    good.push_back(pixel == spi::PixelClass::kBad ? 0 : 1);
  }
  double total = 0;
  for (spi::Index i = 0; i < patterns.frames.frames(); ++i) total += patterns.frames.total(i, good);
  out["mean_total"] = total / static_cast<double>(patterns.frames.frames());
  out["pixels"] = std::int64_t{patterns.detector.pixels()};
  out["good_pixels"] = std::int64_t{std::count(good.begin(), good.end(), 1)};
}

Attributes attributes_of(const spi::Result& result, const v1::SpiSpec& spec,
                         const SpiProvenance& provenance) {
  Attributes out = parameters_of(spec, "");
  out.merge(parameters_of(spec.reduction(), "reduction."));
  out["metric"] = plan::word_of(spec.metric());
  out["data"] = absl::StrJoin(spec.data(), ",");
  out["job"] = provenance.job_id;
  out["code_version"] = absl::StrCat("unfold ", kVersion, " ", kCommit);
  out["response_key"] = provenance.response_key;
  std::map<std::string, int> many;
  for (const plan::SpiInput& input : plan::inputs_of(spec)) {
    const auto known = provenance.sha256.find(input.path);
    if (known == provenance.sha256.end()) continue;
    const std::string name = input.field.substr(input.field.find('.') + 1);
    const int at = many[name]++;
    out[absl::StrCat(name, at > 0 ? absl::StrCat("_", at) : "", "_sha256")] = known->second;
  }
  if (spec.conformations() > 1) {
    out["conformation_gain"] = result.conformation_gain;
    out["conformation_gain_error"] = result.conformation_gain_error;
    out["conformation_agreement"] = result.conformation_agreement;
    out["evidence_for_conformations"] = std::int64_t{result.evidence_for_conformations};
  }
  return out;
}

}  // namespace

spi_data::DensityFile density_of(const spi::Result& result, const ResidentPatterns& patterns,
                                 const v1::SpiSpec& spec, const SpiProvenance& provenance) {
  spi_data::DensityFile out;
  out.grid = spec.grid();
  out.qmax = patterns.detector.qmax;
  for (const spi::Map& map : result.maps) out.maps.push_back(map_of(map));
  const spi::Estimate& estimate = result.estimate;
  out.frame = patterns.number;
  out.orientations = estimate.orientation;
  out.fluences = estimate.fluence;
  out.scores = estimate.score;
  for (std::size_t i = 0; i < estimate.score_of_mean.size(); ++i) {
    out.gains.push_back(estimate.score[i] - estimate.score_of_mean[i]);
  }
  out.entropy = result.entropy;
  out.conformation = estimate.conformation;
  out.blacklist = estimate.non_hit;
  out.half = result.half;
  out.background = estimate.background;
  out.history = history_of(result.history);
  out.verdict = spi::to_string(result.verdict);
  out.reasons = result.reasons;
  out.attributes = attributes_of(result, spec, provenance);
  describe(patterns, out.attributes);
  return out;
}

std::map<std::string, double> summary_of(const spi::Result& result,
                                         const spi_data::DensityFile& file) {
  std::map<std::string, double> out;
  out["generations"] = static_cast<double>(result.history.size());
  out["log_likelihood"] = mean_of(file.scores);
  out["gain"] = mean_of(file.gains);
  out["median_entropy"] = median_of(file.entropy);
  out["non_hits"] = static_cast<double>(
      std::count_if(file.blacklist.begin(), file.blacklist.end(), [](auto v) { return v != 0; }));
  out["verdict_" + file.verdict] = 1;
  const spi_data::DensityMap& map = file.maps.front();
  const auto add_finite = [&](const char* name, double value) {
    if (std::isfinite(value) && value > 0) out[name] = value;
  };
  add_finite("resolution", map.resolution);
  add_finite("intensity_resolution", map.intensity_resolution);
  out["phasing_agreement"] = map.phasing_agreement;
  for (const auto& [name, value] : map.reference_numbers) {
    if (std::isfinite(value)) out["reference_" + name] = value;
  }
  if (file.maps.size() < 2) return out;
  for (std::size_t c = 0; c < file.maps.size(); ++c) {
    out[absl::StrCat("frames_", c)] = static_cast<double>(
        std::count(file.conformation.begin(), file.conformation.end(), static_cast<int>(c)));
  }
  out["conformation_gain"] = result.conformation_gain;
  out["conformation_gain_error"] = result.conformation_gain_error;
  out["conformation_agreement"] = result.conformation_agreement;
  return out;
}

}  // namespace unfold::engine
