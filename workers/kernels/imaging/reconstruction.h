#pragma once

#include <memory>
#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/kernels/imaging/operator.h"

namespace unfold::imaging {

enum class Algorithm { kDc1, kDc1Feedback, kEm, kEmNewton, kOsem, kMap, kCosipyRl };

enum class PriorKind {
  kNone,
  kGamma,                  ///< Gamma(k = weight, theta = infinity): weight < 1 favours empty pixels
  kTotalSquaredVariation,  ///< -weight sum over pixels and their neighbours of (x_j - x_n)^2
  kEntropy,                ///< weight sum x (1 - ln(x / m)), m = F / sum(solid angle)
};
struct Prior {
  PriorKind kind = PriorKind::kNone;
  double weight = 0;
};

struct AlgorithmOptions {
  Algorithm algorithm = Algorithm::kOsem;
  double initial_flux = 0.01;     ///< F, cm-2 s-1 over the sky: x0 = F / sum(solid angle)
  double background_prior = 0.9;  ///< dc1 loops: first guess and centre of the amplitudes' prior
  double dc1_scale = 1000;        ///< dc1 loops: s, the resolution of the step length
  Index subsets = 16;             ///< osem, map: ordered subsets, t mod S
  Prior prior{};                  ///< map (and em, osem where asked)
  double smooth_fwhm_deg = 0;     ///< Gaussian on the sphere over each update; 0: none
  double max_step = 1;            ///< cosipy-rl: largest acceleration; 1: none
  double weight_power = 0.5;      ///< cosipy-rl: update x (exposure / max)^power
};

/// The pixels of the sky as a graph and as directions, for priors and smoothing. Energies repeat
/// it.
struct SkyGeometry {
  std::vector<double> solid_angle;       ///< [pixels] sr
  std::vector<double> direction;         ///< [pixels, 3] unit vectors
  std::vector<std::int32_t> neighbours;  ///< [pixels, 8], -1 where there is none
  Index energies = 1;
  bool energy_fastest = false;  ///< model index = pixel * E + e, else e * pixels + pixel
};

/// One data set and its model. Everything outlives the Reconstruction made of it.
struct Problem {
  const Operator& response;
  const Events& events;
  const Background& background;
  std::span<const double> counts;    ///< [N]
  std::span<const double> exposure;  ///< [P] sensitivity of all time bins
  const SkyGeometry& sky;
  compute::Communicator& communicator;
  /// Share of the counts that `counts` is (binomial thinning): exposure and background sums are
  /// multiplied by it.
  double share = 1;
};

/// What is estimated. `background_amplitude` multiplies the background as given.
struct Estimate {
  std::vector<double> image;      ///< [P] cm-2 s-1 sr-1
  std::vector<double> amplitude;  ///< [A]
};

/// What an iteration learned on its way, about the estimate it started from.
struct Step {
  double log_likelihood = 0;  ///< sum y ln m - sum m over all bins; for osem that of its subsets
  double step_length = 1;     ///< dc1: lambda; cosipy-rl: alpha; else 1
  Index passes = 1;           ///< full passes over the response it cost
  /// False where log_likelihood is a sum over subsets, each at its own estimate: a stop rule waits
  /// until two steps in a row are comparable.
  bool comparable = true;
};

/// One algorithm at work. Not thread safe. Pixels with exposure 0 are 0 from the start and stay so;
/// no value is ever NaN. (x, A) after n steps depends only on the inputs: save() after n steps,
/// restore() into a new one of the same problem and options, and go on to the same bits.
class Reconstruction {
 public:
  virtual ~Reconstruction() = default;
  virtual Step step() = 0;
  virtual const Estimate& estimate() const = 0;
  /// The recorded amplitudes; those of dc1 are fitted but not used (engines' published quirk).
  virtual std::vector<double> recorded_amplitude() const { return estimate().amplitude; }
  /// Of the present estimate: sum y ln m - sum m. One pass.
  virtual double log_likelihood() const = 0;
  virtual Index iteration() const = 0;  ///< steps made
  virtual std::vector<double> save() const = 0;
  virtual void restore(std::span<const double> saved) = 0;
};

std::unique_ptr<Reconstruction> make_reconstruction(const Problem& problem,
                                                    const AlgorithmOptions& options);

/// Several sets of counts through one pass of the response each: bootstrap replicates. `counts`
/// [R, N] outlives it; how many subsets there are depends on Problem::counts alone. The same steps
/// as make_reconstruction would make for each, to rounding. Offered for em, osem and map; throws
/// std::invalid_argument for the others.
class BatchReconstruction {
 public:
  virtual ~BatchReconstruction() = default;
  /// `active` [R]: replicates that have stopped are skipped and keep their estimate.
  virtual void step(std::span<const bool> active) = 0;
  virtual const Estimate& estimate(Index replicate) const = 0;
  virtual Index iteration() const = 0;
};
/// Whether there are batches of it.
bool has_batch(Algorithm algorithm);
std::unique_ptr<BatchReconstruction> make_batch(const Problem& problem,
                                                const AlgorithmOptions& options,
                                                std::span<const double> counts, Index replicates);

}  // namespace unfold::imaging
