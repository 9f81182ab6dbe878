#include "workers/kernels/imaging/reconstruction.h"

#include <cmath>
#include <stdexcept>

#include "workers/kernels/imaging/algorithms.h"
#include "workers/kernels/imaging/data_term.h"

namespace unfold::imaging {
namespace {

void require(bool holds, const char* otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

void check(const AlgorithmOptions& options) {
  const auto positive = [](double value) { return value > 0 && std::isfinite(value); };
  require(positive(options.initial_flux), "initial_flux must be above 0");
  require(positive(options.background_prior), "background_prior must be above 0");
  require(positive(options.dc1_scale), "dc1_scale must be above 0");
  require(options.subsets >= 1, "there must be a subset");
  require(options.smooth_fwhm_deg >= 0 && options.smooth_fwhm_deg <= 180,
          "smooth_fwhm_deg must be 0 to 180");
  require(options.max_step >= 1, "max_step must be at least 1");
  require(std::isfinite(options.weight_power), "weight_power must be finite");
  const bool has_prior = options.prior.kind != PriorKind::kNone;
  require(!has_prior || has_batch(options.algorithm), "only em, osem and map take a prior");
  require(!has_prior || positive(options.prior.weight), "a prior's weight must be above 0");
}

void check(const Problem& problem) {
  const Shape shape = problem.response.shape();
  const SkyGeometry& sky = problem.sky;
  const auto is = [](std::size_t size, Index wanted) { return size == at(wanted); };
  require(problem.events.times() == shape.times, "events and response differ in time bins");
  require(is(problem.counts.size(), problem.events.size()), "counts and events differ in size");
  require(is(problem.exposure.size(), shape.pixels), "exposure and response differ in pixels");
  require(is(sky.solid_angle.size() * at(sky.energies), shape.pixels),
          "the sky and the response differ in pixels");
  const Background& background = problem.background;
  require(is(background.group.size(), shape.times) &&
              is(background.sum.size(), background.components * shape.times) &&
              is(background.at_events.size(), background.components * problem.events.size()),
          "the background's sizes are not those of the data");
  require(problem.share > 0 && problem.share <= 1, "share must be above 0 and at most 1");
}

}  // namespace

std::unique_ptr<Reconstruction> make_reconstruction(const Problem& problem,
                                                    const AlgorithmOptions& options) {
  check(options);
  check(problem);
  switch (options.algorithm) {
    case Algorithm::kDc1:
    case Algorithm::kDc1Feedback:
      return make_dc1(problem, options);
    case Algorithm::kEmNewton:
      return make_em_newton(problem, options);
    case Algorithm::kCosipyRl:
      return make_cosipy_rl(problem, options);
    case Algorithm::kEm:
    case Algorithm::kOsem:
    case Algorithm::kMap:
      return make_em(problem, options);
  }
  throw std::invalid_argument("no such algorithm");
}

bool has_batch(Algorithm algorithm) {
  return algorithm == Algorithm::kEm || algorithm == Algorithm::kOsem ||
         algorithm == Algorithm::kMap;
}

std::unique_ptr<BatchReconstruction> make_batch(const Problem& problem,
                                                const AlgorithmOptions& options,
                                                std::span<const double> counts, Index replicates) {
  check(options);
  check(problem);
  require(has_batch(options.algorithm), "replicates are offered for em, osem and map");
  require(counts.size() == at(replicates * problem.events.size()),
          "the replicates' counts and the events differ in size");
  return make_em_batch(problem, options, counts, replicates);
}

}  // namespace unfold::imaging
