#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "workers/kernels/spi/final_map.h"
#include "workers/kernels/spi/run.h"

/// Whether maps would be found again were they the truth: a parametric bootstrap.
namespace unfold::spi {

/// Photons as a run's maps explain them.
struct Redrawn {
  PatternSet frames;
  std::vector<Quaternion> orientation;     ///< [N'] what they were drawn at
  std::vector<std::int32_t> conformation;  ///< [N']
  std::vector<double> fluence;             ///< [N']
};

/// Each hit of `frames` drawn again: Poisson with mean phi m + B, m its conformation's slice at its
/// orientation, phi such that as many photons are expected in good pixels as the frame has.
Redrawn redrawn_frames(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                       Index grid, const Estimate& estimate, std::uint64_t seed);

struct Bootstrap {
  RunOptions run;  ///< as the estimate was made with; generations and seed are taken from here
  MapOptions map;
};

/// Shells [M / 2 + 1] of each conformation: correlation of its map with what becomes of it when
/// frames are drawn from it and a run goes on from the orientations they were drawn at. Noise, the
/// spread of orientations and what phasing makes of both are in it, also where they bend two halves
/// in the same way, which no comparison of halves sees. Throws Cancelled.
std::vector<std::vector<double>> recovered_correlation(compute::Cpu& cpu, const PatternSet& frames,
                                                       const Detector& detector,
                                                       const Estimate& estimate,
                                                       const Bootstrap& how,
                                                       compute::Communicator& communicator,
                                                       const std::function<bool()>& cancelled);

}  // namespace unfold::spi
