#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "workers/compute/archive.h"
#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/fourier_device.h"
#include "workers/kernels/spi/matching.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"

namespace unfold::spi {

struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("cancelled") {}
};

struct RunOptions {
  Index grid = 0;  ///< M, odd
  Metric metric = Metric::kPoisson;
  std::uint64_t seed = 1;
  int max_generations = 60;
  int conformations = 1;
  bool scaling = true;            ///< estimate each frame's fluence
  bool fit_background = false;    ///< one background [P] common to all frames, scaled by none
  std::vector<float> background;  ///< [P] photons a frame, known, or empty
  double diameter = 0;            ///< Angstrom; 0: half of the box
  Index coarse_references = 0;    ///< 0: from resolution and diameter
  double beta = 0;                ///< annealing start; 0: by photons a frame
  double beta_factor = 1.3;
  int beta_period = 2;
  FourierDevice* fourier_device = nullptr;  ///< merges and phases there
  MatchDevice* match_device = nullptr;      ///< searches and sums frames there where it can
};

/// What is known after a generation. Conformation c's arrays lie in [c]: empty until there is one
/// map to share the frames out from; only [0] is made on coarse rungs.
struct Estimate {
  std::vector<std::vector<double>> autocorrelation;  ///< merged [C][M^3], centred
  std::vector<std::vector<double>> density;          ///< phased [C][M^3], centred, >= 0
  std::vector<std::vector<std::uint8_t>> support;    ///< [C][M^3]
  std::vector<Quaternion> orientation;               ///< [N]
  std::vector<std::int32_t> conformation;            ///< [N]
  std::vector<double> fluence;                       ///< [N], mean 1
  std::vector<double> score;                         ///< [N] log-likelihood of the best
  std::vector<double> score_of_mean;                 ///< [N] that of the radial mean: no structure
  std::vector<std::uint8_t> non_hit;                 ///< [N] 1: fits no orientation
  std::vector<float> background;                     ///< [P] or empty
};

/// Progress of one generation.
struct Generation {
  int number = 0;
  std::string stage;     ///< "coarse", "global", "local"
  Index references = 0;  ///< orientations tried a frame
  double beta = 0;
  double resolution = 0;      ///< Angstrom: pixels used reach so far
  double log_likelihood = 0;  ///< mean a frame, of the best orientation
  double gain = 0;            ///< mean a frame: over the radial mean
  double median_change_degrees = 0;
  double entropy = 0;  ///< mean a frame of the posterior over what was kept, nats
  double fourier_error = 0;
  double seconds_match = 0, seconds_merge = 0, seconds_phase = 0;
};

/// One reconstruction from random orientations: generations of slicing, matching, merging and
/// phasing (engines/spi.md g and i). Uses no true orientation. Deterministic for a seed and build,
/// resumed or not. Not thread safe; what it is given must outlive it.
class Run {
 public:
  Run(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
      const RunOptions& options, compute::Communicator& communicator);
  ~Run();

  bool finished() const;  ///< converged, or max_generations made
  bool converged() const;
  /// One generation. Throws Cancelled soon after `cancelled` says so; the state is then undefined.
  Generation step(const std::function<bool()>& cancelled = {});
  const Estimate& estimate() const;
  const std::vector<Generation>& history() const;

  /// Goes on from orientations found elsewhere (halves brought together) with local refinement.
  void start_from(std::span<const Quaternion> orientation,
                  std::span<const std::int32_t> conformation, std::span<const double> fluence,
                  std::span<const std::uint8_t> non_hit);

  /// Everything that a resumed run needs. restore() throws std::invalid_argument for another job's.
  void save(compute::ArchiveWriter& out) const;
  void restore(compute::ArchiveReader& in);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold::spi
