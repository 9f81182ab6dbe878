#pragma once

#include <cmath>
#include <limits>

#include "common/formats/imaging/map_file.h"

namespace unfold::test {

/// A map with everything that one can hold: map[e, p] = 1000 e + p, exposure 2 x as much.
inline imaging_data::MapProduct full_map(sky::Grid sky, std::int64_t energies) {
  imaging_data::MapProduct out;
  out.sky = std::move(sky);
  out.energies = energies;
  const std::int64_t pixels = out.sky.pixels();
  for (std::int64_t e = 0; e <= energies; ++e) {
    out.energy_edges.push_back(100 * std::exp2(static_cast<double>(e)));
  }
  for (std::int64_t e = 0; e < energies; ++e) {
    for (std::int64_t p = 0; p < pixels; ++p) {
      out.map.push_back(static_cast<double>(1000 * e + p));
      out.exposure.push_back(static_cast<double>(2000 * e + 2 * p));
      const bool bound = p % 10 == 3;
      out.on_bound.push_back(bound ? 1 : 0);
      out.standard_error.push_back(bound ? std::numeric_limits<double>::quiet_NaN() : 0.5);
    }
  }
  out.maps[2] = out.map;
  out.maps[10] = out.exposure;
  out.log_likelihood = {-30, -20, -10};
  out.validation = {-5, -4};
  out.background_amplitude = {1, 1, 0.9, 1.1, 0.8, 1.2};
  out.amplitudes = 2;
  out.amplitude_error = {0.01, 0.02};
  out.regions = {{"centre", 0, 0, 10, 1e-3, 1e-4, 5}, {"Crab", 184.6, -5.8, 6, 2e-3, 3e-4, 4}};
  out.attributes = {{"job", std::string("abc")},
                    {"algorithm", std::string("osem")},
                    {"iterations", std::int64_t{3}},
                    {"initial_flux", 0.01}};
  return out;
}

}  // namespace unfold::test
