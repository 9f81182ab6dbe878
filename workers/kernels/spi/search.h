#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/kernels/spi/matching.h"
#include "workers/kernels/spi/merging.h"

/// Where frames may lie: candidates of global and local searches, over one or more conformations.
namespace unfold::spi {

/// K candidates a frame, best first. Scores in nats.
struct Candidates {
  Index per_frame = 0;
  std::vector<Quaternion> rotation;        ///< [N, K]
  std::vector<std::int32_t> conformation;  ///< [N, K]
  std::vector<float> score;                ///< [N, K]
  /// [N, K] index into the references that they were cut from; empty after a local search.
  std::vector<std::int32_t> reference;
};

/// All frames against the references of every conformation: the best options.top over all.
Candidates search_globally(compute::Cpu& cpu, const PatternSet& frames,
                           std::span<const Slicer> slicers, std::span<const Quaternion> references,
                           const MatchOptions& options);

/// Frames near `start` [N, S], each within its own conformation [N].
Candidates search_locally(compute::Cpu& cpu, const PatternSet& frames,
                          std::span<const Slicer> slicers, std::span<const Quaternion> start,
                          Index starts, std::span<const std::int32_t> conformation,
                          std::span<const Quaternion> turns, const MatchOptions& options);

/// Frames near `start` [N] in every conformation: the best one.
Candidates search_nearby(compute::Cpu& cpu, const PatternSet& frames,
                         std::span<const Slicer> slicers, std::span<const Quaternion> start,
                         std::span<const Quaternion> turns, const MatchOptions& options);

/// posterior() of the scores in nats: [N, K]; weights below 1e-3 are dropped.
std::vector<float> soft_weights(const Candidates& candidates, double beta);
/// Mean over frames of the entropy of `weights` [N, K], nats.
double entropy_of(std::span<const float> weights, Index per_frame);

}  // namespace unfold::spi
