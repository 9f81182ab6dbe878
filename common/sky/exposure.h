#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/sky/grid.h"

namespace unfold::sky {

/// A pixel is well exposed where its exposure per solid angle is above this share of the map's
/// largest. What stands in the others is mostly noise: a map's brightest pixel often is one that
/// was hardly seen.
inline constexpr double kWellExposed = 0.1;

/// [P] exposure [E, P] (cm2 s sr), mean over energies, per solid angle (cm2 s). Empty for none.
std::vector<double> exposure_per_area(const Grid& grid, std::span<const double> exposure);
/// [P] 1 where the exposure per solid angle [P] makes a pixel well exposed; all of them where it is
/// zero everywhere. Empty for none.
std::vector<std::uint8_t> well_exposed(std::span<const double> exposure_per_area);
/// [P] the sum over energies of a map [E, P].
std::vector<double> over_energies(const Grid& grid, std::span<const double> map);

/// What a map [E, P] (cm-2 s-1 sr-1) amounts to, over energies. Without exposure every pixel counts
/// as well exposed.
struct Brightness {
  double flux = 0;               ///< cm-2 s-1, of the whole sky
  double flux_well_exposed = 0;  ///< of the well exposed pixels
  std::int64_t peak = 0;         ///< the brightest of those
  double peak_intensity = 0;     ///< cm-2 s-1 sr-1
};
Brightness brightness_of(const Grid& grid, std::span<const double> map,
                         std::span<const double> exposure);

}  // namespace unfold::sky
