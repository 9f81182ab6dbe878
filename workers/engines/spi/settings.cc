#include "workers/engines/spi/settings.h"

#include <string>
#include <utility>

namespace unfold::engine {
namespace {

spi::Metric metric_of(v1::SpiMetric metric) {
  switch (metric) {
    case v1::SPI_METRIC_SQRT:
      return spi::Metric::kSqrt;
    case v1::SPI_METRIC_EUCLID:
      return spi::Metric::kEuclid;
    default:
      return spi::Metric::kPoisson;
  }
}

}  // namespace

spi::Settings settings_of(const v1::SpiSpec& spec, std::vector<float> background) {
  spi::Settings out;
  out.run.grid = spec.grid();
  out.run.metric = metric_of(spec.metric());
  out.run.seed = spec.seed();
  out.run.max_generations = spec.max_generations();
  out.run.conformations = spec.conformations();
  out.run.scaling = spec.scaling();
  out.run.fit_background = spec.background();
  out.run.background = std::move(background);
  out.run.diameter = spec.diameter();
  out.run.coarse_references = spec.coarse_references();
  out.run.beta = spec.beta();
  out.run.beta_factor = spec.beta_factor();
  out.run.beta_period = spec.beta_period();
  out.halves = !spec.no_halves();
  out.phasing_starts = spec.phasing_starts();
  return out;
}

v1::SpiSpec without_places(v1::SpiSpec spec) {
  for (std::string* place : {spec.mutable_output(), spec.mutable_mrc(), spec.mutable_png(),
                             spec.mutable_dragonfly_output(), spec.mutable_reference()}) {
    place->clear();
  }
  spec.clear_checkpoint_every();
  spec.clear_checkpoint_generations();
  return spec;
}

}  // namespace unfold::engine
