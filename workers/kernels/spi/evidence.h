#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/kernels/spi/matching.h"
#include "workers/kernels/spi/run.h"

/// What maps predict of frames that they were not made from.
namespace unfold::spi {

/// Mean of something over frames, with its standard error.
struct Gain {
  double mean = 0;
  double error = 0;
};
Gain gain_of(std::span<const double> values);

struct Prediction {
  std::vector<double> log_evidence;        ///< [N]
  std::vector<std::int32_t> conformation;  ///< [N] the one that holds most of it
};

/// ln (1 / (C J)) sum_cj exp(S_cj): the log-likelihood of each frame given its number of photons,
/// orientation and conformation unknown, over `references` common to all maps: a proper predictive
/// density, so that on new frames no model does better than the truth in the mean, however many
/// maps or orientations it brings. `unit` multiplies the scores (1 for counts).
/// options.metric must be kPoisson.
Prediction predict(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                   Index grid, std::span<const std::vector<double>> autocorrelation,
                   std::span<const Quaternion> references, const MatchOptions& options,
                   double unit);

}  // namespace unfold::spi
