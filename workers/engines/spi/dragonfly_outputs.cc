#include "workers/engines/spi/dragonfly_outputs.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace unfold::engine {
namespace {

std::vector<double> column(const spi_data::History& history, const std::string& name) {
  const auto found = history.numbers.find(name);
  return found == history.numbers.end() ? std::vector<double>(history.part.size()) : found->second;
}

double number_of(const spi_data::DensityFile& file, const std::string& name) {
  const auto found = file.attributes.find(name);
  if (found == file.attributes.end()) return 0;
  if (const auto* value = std::get_if<double>(&found->second)) return *value;
  const auto* whole = std::get_if<std::int64_t>(&found->second);
  return whole == nullptr ? 0 : static_cast<double>(*whole);
}

/// Nats that the orientations tried last leave open before the data are looked at.
double nats_of_last_search(const spi_data::History& history) {
  const std::vector<double> references = column(history, "references");
  return references.empty() ? 0 : std::log(std::max(references.back(), 1.0));
}

}  // namespace

spi_data::Iterate iterate_of(const spi_data::DensityFile& file) {
  spi_data::Iterate out;
  out.size = file.grid;
  for (const spi_data::DensityMap& map : file.maps) {
    out.intensity.push_back(map.intensity);
    out.weight.push_back(map.intensity_weight);
  }
  out.scale = file.fluences;
  out.orientation.resize(file.orientations.size());
  std::iota(out.orientation.begin(), out.orientation.end(), 0);
  out.likelihood = file.scores;
  const double most = nats_of_last_search(file.history);
  for (const double entropy : file.entropy) out.mutual_info.push_back(most - entropy);
  if (file.maps.size() < 2) return out;
  for (const std::int32_t conformation : file.conformation) {
    out.occupancy.emplace_back(file.maps.size());
    out.occupancy.back()[static_cast<std::size_t>(conformation)] = 1;
  }
  return out;
}

spi_data::Log log_of(const spi_data::DensityFile& file, const v1::SpiSpec& spec) {
  const spi_data::History& history = file.history;
  const std::vector<double> references = column(history, "references");
  const std::vector<double> beta = column(history, "beta");
  const std::vector<double> likelihood = column(history, "log_likelihood");
  const std::vector<double> entropy = column(history, "entropy");
  const std::vector<double> error = column(history, "fourier_error");
  spi_data::Log out;
  out.frames = static_cast<std::int64_t>(file.orientations.size());
  out.blacklisted = std::count_if(file.blacklist.begin(), file.blacklist.end(),
                                  [](std::uint8_t flag) { return flag != 0; });
  out.mean_count = number_of(file, "mean_total");
  out.good_pixels = static_cast<std::int64_t>(number_of(file, "good_pixels"));
  out.pixels = static_cast<std::int64_t>(number_of(file, "pixels"));
  out.modes = static_cast<int>(file.maps.size());
  out.size = file.grid;
  out.need_scaling = spec.scaling();
  for (std::size_t i = 0; i < history.part.size(); ++i) {
    if (history.part[i] != "all") continue;
    const double most = std::log(std::max(references[i], 1.0));
    out.lines.push_back({.iteration = static_cast<int>(out.lines.size()) + 1,
                         .rms_change = error[i],
                         .mutual_info = most - entropy[i],
                         .likelihood = likelihood[i],
                         .rotations = static_cast<std::int64_t>(references[i]),
                         .beta = beta[i]});
  }
  if (out.lines.empty()) return out;
  out.lines.back().iteration = spec.max_generations();
  out.rotations = out.lines.back().rotations;
  out.beta = out.lines.front().beta;
  return out;
}

}  // namespace unfold::engine
