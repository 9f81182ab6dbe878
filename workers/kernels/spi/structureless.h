#pragma once

#include <span>
#include <vector>

#include "workers/kernels/spi/matching.h"
#include "workers/kernels/spi/patterns.h"

/// What maps have to beat before they are said to know anything of the frames.
namespace unfold::spi {

/// Three patterns without structure. The radial mean's circles are a pixel wide: maps can know the
/// same profile better, which is no structure either.
struct Structureless {
  Index grid = 0;
  std::span<const float> radial_mean;           ///< [P]
  std::span<const std::vector<double>> models;  ///< [C][M^3] the maps' autocorrelations
  std::span<const std::vector<double>> merged;  ///< [C][M^3] before phasing
};

/// [N] scores of the frames, in nats, as pattern_scores() defines them, of the one of the three
/// that fits them best in all: the radial mean, or the models or the merged intensities averaged
/// over all orientations (and over conformations).
std::vector<double> structureless_scores(compute::Cpu& cpu, const PatternSet& frames,
                                         const Detector& detector, const Structureless& known,
                                         const MatchOptions& options);

}  // namespace unfold::spi
