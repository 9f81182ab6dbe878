#include "workers/engines/imaging/settings.h"

#include <span>
#include <utility>

namespace unfold::engine {
namespace {

imaging::Algorithm algorithm_of(v1::ImagingAlgorithm algorithm) {
  switch (algorithm) {
    case v1::IMAGING_ALGORITHM_DC1:
      return imaging::Algorithm::kDc1;
    case v1::IMAGING_ALGORITHM_DC1_FEEDBACK:
      return imaging::Algorithm::kDc1Feedback;
    case v1::IMAGING_ALGORITHM_EM:
      return imaging::Algorithm::kEm;
    case v1::IMAGING_ALGORITHM_EM_NEWTON:
      return imaging::Algorithm::kEmNewton;
    case v1::IMAGING_ALGORITHM_MAP:
      return imaging::Algorithm::kMap;
    case v1::IMAGING_ALGORITHM_COSIPY_RL:
      return imaging::Algorithm::kCosipyRl;
    default:
      return imaging::Algorithm::kOsem;
  }
}

imaging::PriorKind prior_of(v1::ImagePrior prior) {
  switch (prior) {
    case v1::IMAGE_PRIOR_GAMMA:
      return imaging::PriorKind::kGamma;
    case v1::IMAGE_PRIOR_TSV:
      return imaging::PriorKind::kTotalSquaredVariation;
    case v1::IMAGE_PRIOR_ENTROPY:
      return imaging::PriorKind::kEntropy;
    default:
      return imaging::PriorKind::kNone;
  }
}

imaging::AlgorithmOptions options_of(const v1::ImagingSpec& spec) {
  imaging::AlgorithmOptions out;
  out.algorithm = algorithm_of(spec.algorithm());
  out.initial_flux = spec.initial_flux();
  if (spec.has_background_prior()) out.background_prior = spec.background_prior();
  if (spec.has_dc1_scale()) out.dc1_scale = spec.dc1_scale();
  if (spec.has_subsets()) out.subsets = spec.subsets();
  out.prior = {prior_of(spec.prior()), spec.prior_weight()};
  out.smooth_fwhm_deg = spec.smooth();
  if (spec.has_max_step()) out.max_step = spec.max_step();
  if (spec.has_weight_power()) out.weight_power = spec.weight_power();
  return out;
}

imaging::StopRule stop_of(const v1::ImagingSpec& spec) {
  imaging::StopRule out;
  out.iterations = spec.iterations();
  if (spec.has_stop_threshold()) out.threshold = spec.stop_threshold();
  if (spec.has_thinning_fraction()) out.fraction = spec.thinning_fraction();
  if (spec.has_thinning_seed()) out.seed = spec.thinning_seed();
  out.stop = spec.stop() == v1::IMAGING_STOP_THINNING     ? imaging::Stop::kThinning
             : spec.stop() == v1::IMAGING_STOP_LIKELIHOOD ? imaging::Stop::kLikelihood
                                                          : imaging::Stop::kIterations;
  return out;
}

}  // namespace

imaging::Settings settings_of(const v1::ImagingSpec& spec) {
  imaging::Settings out{.algorithm = options_of(spec),
                        .stop = stop_of(spec),
                        .bootstrap = {},
                        .regions = {},
                        .save_iterations = {}};
  out.bootstrap.replicates = spec.bootstrap();
  if (spec.has_bootstrap_seed()) out.bootstrap.seed = spec.bootstrap_seed();
  out.bootstrap.stop = spec.bootstrap_stop() == v1::BOOTSTRAP_STOP_FIXED
                           ? imaging::BootstrapStop::kFixed
                           : imaging::BootstrapStop::kRefit;
  for (const v1::SkyRegion& region : spec.regions()) {
    out.regions.push_back({region.name(), region.l(), region.b(), region.radius()});
  }
  out.save_iterations.assign(spec.save_iterations().begin(), spec.save_iterations().end());
  return out;
}

EventList events_of(imaging_data::Counts counts) {
  EventList out;
  out.events.begin = std::move(counts.begin);
  out.events.bin = std::move(counts.bin);
  out.counts = std::move(counts.value);
  return out;
}

imaging::Background background_of(const imaging_data::Background& background,
                                  const std::vector<double>& sums, const imaging::Events& events) {
  imaging::Background out;
  out.components = static_cast<imaging::Index>(background.components.size());
  out.groups = background.groups;
  out.group = background.group;
  out.sum = sums;
  out.row = [&background](imaging::Index component, imaging::Index time, std::span<double> row) {
    const auto& from = background.components[static_cast<std::size_t>(component)];
    for (std::size_t d = 0; d < row.size(); ++d) row[d] = from.at(time, static_cast<int>(d));
  };
  for (const imaging_data::BackgroundTemplate& component : background.components) {
    for (imaging::Index t = 0; t < events.times(); ++t) {
      const auto at = static_cast<std::size_t>(t);
      for (imaging::Index n = events.begin[at]; n < events.begin[at + 1]; ++n) {
        out.at_events.push_back(component.at(t, events.bin[static_cast<std::size_t>(n)]));
      }
    }
  }
  return out;
}

imaging::SkyGeometry geometry_of(const imaging_data::Header& header) {
  return {.solid_angle = header.sky.solid_angle,
          .direction = sky::directions(header.sky),
          .neighbours = sky::neighbours(header.sky),
          .energies = header.energies,
          .energy_fastest = header.energy_fastest};
}

}  // namespace unfold::engine
