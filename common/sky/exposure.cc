#include "common/sky/exposure.h"

#include <algorithm>

namespace unfold::sky {

std::vector<double> over_energies(const Grid& grid, std::span<const double> map) {
  std::vector<double> out(grid.l_deg.size());
  for (std::size_t i = 0; i < map.size(); ++i) out[i % out.size()] += map[i];
  return out;
}

std::vector<double> exposure_per_area(const Grid& grid, std::span<const double> exposure) {
  if (exposure.empty()) return {};
  std::vector<double> out = over_energies(grid, exposure);
  const auto energies = static_cast<double>(exposure.size() / out.size());
  for (std::size_t p = 0; p < out.size(); ++p) out[p] /= energies * grid.solid_angle[p];
  return out;
}

std::vector<std::uint8_t> well_exposed(std::span<const double> exposure_per_area) {
  double largest = 0;
  for (const double value : exposure_per_area) largest = std::max(largest, value);
  std::vector<std::uint8_t> out(exposure_per_area.size(), 1);
  if (!(largest > 0)) return out;
  for (std::size_t p = 0; p < out.size(); ++p) {
    out[p] = exposure_per_area[p] > kWellExposed * largest;
  }
  return out;
}

Brightness brightness_of(const Grid& grid, std::span<const double> map,
                         std::span<const double> exposure) {
  const std::vector<double> intensity = over_energies(grid, map);
  const std::vector<std::uint8_t> well = well_exposed(exposure_per_area(grid, exposure));
  Brightness out;
  bool any = false;
  for (std::size_t p = 0; p < intensity.size(); ++p) {
    const double flux = intensity[p] * grid.solid_angle[p];
    out.flux += flux;
    if (!well.empty() && well[p] == 0) continue;
    out.flux_well_exposed += flux;
    if (any && !(intensity[p] > out.peak_intensity)) continue;
    any = true;
    out.peak = static_cast<std::int64_t>(p);
    out.peak_intensity = intensity[p];
  }
  return out;
}

}  // namespace unfold::sky
