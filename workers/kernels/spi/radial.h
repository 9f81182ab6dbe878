#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/matching.h"
#include "workers/kernels/spi/patterns.h"

/// What frames are compared with when the question is whether they show any structure.
namespace unfold::spi {

/// Radius (1/Angstrom) up to which a run looks for orientations: the circle inside a square
/// detector.
double full_qlimit(const Detector& detector);
/// [P] 1: good and within `qlimit`.
std::vector<std::uint8_t> matched_pixels(const Detector& detector, double qlimit);

/// [P] mean over the frames not marked in `skip` [N] and over circles of |q|, times the correction;
/// `background` [P] or empty is taken off before.
std::vector<float> radial_mean(compute::Cpu& cpu, const PatternSet& frames,
                               const Detector& detector, std::span<const std::uint8_t> skip,
                               std::span<const float> background);

/// [N] scores of one pattern [P] against every frame, in nats: what a slice would get that is the
/// same for every orientation.
std::vector<double> pattern_scores(compute::Cpu& cpu, const PatternSet& frames,
                                   const Detector& detector, std::span<const float> pattern,
                                   const MatchOptions& options);

/// A score of `match` in nats: 2 S^2 for sqrt (Hellinger's distance is half a deviance), else S.
double nats_of(Metric metric, double score);

}  // namespace unfold::spi
