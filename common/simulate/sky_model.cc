#include "common/simulate/sky_model.h"

#include <cmath>

namespace unfold::simulate {
namespace {

double signed_longitude(double l_deg) { return l_deg - 360 * std::floor((l_deg + 180) / 360); }

double squared(double x) { return x * x; }

/// Adds `flux` in the shape of exp(-exponent(l, b)).
template <class Exponent>
void add_extended(const sky::Grid& grid, double flux, Exponent exponent,
                  std::vector<double>& pixel_flux) {
  if (flux == 0) return;
  std::vector<double> shape(pixel_flux.size());
  double sum = 0;
  for (std::size_t p = 0; p < shape.size(); ++p) {
    shape[p] =
        grid.solid_angle[p] * std::exp(-exponent(signed_longitude(grid.l_deg[p]), grid.b_deg[p]));
    sum += shape[p];
  }
  for (std::size_t p = 0; p < shape.size(); ++p) pixel_flux[p] += flux * shape[p] / sum;
}

void add_direction(SkyModel& model, double l_deg, double b_deg, double flux) {
  model.directions.l_deg.push_back(l_deg);
  model.directions.b_deg.push_back(b_deg);
  model.flux.push_back(flux);
}

}  // namespace

SkyModel sky_model(const ImagingOptions& options, const sky::Grid& grid, bool at_their_places) {
  std::vector<double> pixel_flux(grid.l_deg.size());
  const double sigma = options.bulge_fwhm / 2.355;
  add_extended(
      grid, options.bulge,
      [&](double l, double b) { return 0.5 * (squared(l) + squared(b)) / squared(sigma); },
      pixel_flux);
  add_extended(
      grid, options.disk,
      [](double l, double b) { return 0.5 * (squared(b / 6) + squared(l / 60)); }, pixel_flux);
  if (!at_their_places) {
    for (const SkySource& source : options.sources)
      pixel_flux[static_cast<std::size_t>(sky::pixel_of(grid, source.l_deg, source.b_deg))] +=
          source.flux;
  }
  SkyModel model;
  for (std::size_t p = 0; p < pixel_flux.size(); ++p)
    if (pixel_flux[p] > 0) add_direction(model, grid.l_deg[p], grid.b_deg[p], pixel_flux[p]);
  if (at_their_places) {
    for (const SkySource& source : options.sources)
      if (source.flux > 0) add_direction(model, source.l_deg, source.b_deg, source.flux);
  }
  return model;
}

std::vector<double> binned(const SkyModel& model, const sky::Grid& grid) {
  std::vector<double> intensity(grid.l_deg.size());
  for (std::size_t i = 0; i < model.flux.size(); ++i) {
    const auto pixel = static_cast<std::size_t>(
        sky::pixel_of(grid, model.directions.l_deg[i], model.directions.b_deg[i]));
    intensity[pixel] += model.flux[i] / grid.solid_angle[pixel];
  }
  return intensity;
}

}  // namespace unfold::simulate
