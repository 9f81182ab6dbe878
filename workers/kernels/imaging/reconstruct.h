#pragma once

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "workers/kernels/imaging/reconstruction.h"

namespace unfold::imaging {

enum class Stop {
  kIterations,  ///< after `iterations`
  kLikelihood,  ///< when the log-likelihood rises by less than `threshold`, at most `iterations`
  kThinning,    ///< by the validation likelihood's maximum, at most `iterations`
};

/// Thinning: `splits` times, a share f = `fraction` of the counts is fitted and the rest validates:
/// y_t ~ Binomial(y, f), y_v = y - y_t. Both are Poisson and independent, so that the mean over
/// splits of
///     V(n) = sum y_v ln m - (1 - f) sum m,   m the model of the full exposure after update n,
/// is highest where the image predicts best. n_f is the last update within 1/2 of that: a
/// likelihood cannot tell those apart. The update that balances bias and noise grows with the
/// number of counts (a mode with information s N in each update is won or lost as n s N passes 1),
/// so all the data are given n = n_f / f updates. docs/numerics.md has what that is worth.
struct StopRule {
  Stop stop = Stop::kThinning;
  Index iterations = 150;
  double threshold = 1e-2;
  double fraction = 0.5;
  Index splits = 4;
  std::uint64_t seed = 1;
  Index patience = 3;  ///< updates below the best so far that end the search
};

enum class BootstrapStop {
  kRefit,  ///< each replicate repeats the stop rule
  kFixed,  ///< each replicate makes as many iterations as the data
};

/// Replicates are counts drawn from the fitted model, in all bins: y* ~ Poisson(m). Drawn from the
/// counts themselves (y* ~ Poisson(y)) they would carry the data's noise twice, and errors of an
/// image that is no linear function of the counts come out twice too large. Models of smoother
/// images were tried, and are worse (docs/numerics.md). A pull has the width 1 only with many
/// replicates: with R of them sqrt((R - 1) / (R - 3)).
struct Bootstrap {
  Index replicates = 0;  ///< 0 or at least 2
  BootstrapStop stop = BootstrapStop::kRefit;
  std::uint64_t seed = 2;
};

/// A cone on the sky; pixels whose centre lies within `radius` count.
struct Region {
  std::string name;
  double l_deg = 0;
  double b_deg = 0;
  double radius_deg = 0;
};
struct RegionResult {
  std::string name;
  Index pixels = 0;
  double flux = 0;            ///< cm-2 s-1: sum of image x solid angle, over all energies
  double standard_error = 0;  ///< scatter of the replicates' fluxes; NaN without
  /// Mean of the replicates' fluxes - flux: what fitting does to a sky like the fitted one. NaN
  /// without replicates. `flux` is not corrected by it.
  double bias = 0;
};

struct Settings {
  AlgorithmOptions algorithm;
  StopRule stop;
  Bootstrap bootstrap;
  std::vector<Region> regions;
  std::vector<Index> save_iterations;  ///< 1-based: maps after so many updates
};

/// Shown while running. `stage`: "thinning", "iterations", "bootstrap".
struct Report {
  const char* stage = "iterations";
  Index iteration = 0;   ///< updates made; bootstrap: replicates finished
  Index iterations = 0;  ///< at most
  /// The last that is known: of the estimate, or of the one before this update; NaN elsewhere.
  double log_likelihood = 0;
  double validation_log_likelihood = 0;  ///< NaN where there is none
  const Estimate* estimate = nullptr;    ///< thinning: of a share of the counts
};

struct Cancelled : std::runtime_error {
  Cancelled() : std::runtime_error("cancelled") {}
};

/// Everything a resumed run needs to make the same result, as plain numbers; the caller stores it.
using Checkpoint = std::vector<double>;

struct Hooks {
  std::function<void(const Report&)> report{};  ///< after each update, and after each replicate
  std::function<bool()> cancelled{};            ///< asked before each update
  /// Called after each update of the data's own fit and after each replicate; the caller chooses
  /// what to keep. A resumed run repeats the search by thinning, the replicate, or the group of
  /// them, that it was in.
  std::function<void(const Checkpoint&)> checkpoint{};
};

struct Result {
  Estimate estimate;
  Index iterations = 0;                ///< updates the estimate has had
  std::vector<double> log_likelihood;  ///< [n] of the estimate after update 1 .. n
  std::vector<double> amplitude;       ///< [n, A] likewise
  std::vector<Index> saved_at;
  std::vector<std::vector<double>> saved;  ///< maps after those updates
  std::vector<double> validation;          ///< thinning: V after update 1 .. of the splits' fits
  std::vector<double> standard_error;      ///< [P] with bootstrap; NaN where on_bound
  /// [P] 1: more than one replicate in 20 gives the pixel less than one count (image x
  /// exposure).
  std::vector<std::uint8_t> on_bound;
  std::vector<double> amplitude_error;      ///< [A] with bootstrap
  std::vector<Index> replicate_iterations;  ///< [R] updates that each replicate had
  std::vector<RegionResult> regions;
  std::string stopped_by;             ///< "iterations", "likelihood", "thinning"
  std::vector<std::string> warnings;  ///< for people, e.g. "em without a prior stops late"
  Index impossible_events = 0;        ///< at the end: events that the model says cannot be
};

/// The whole job after its inputs are in memory. Throws Cancelled, or std::invalid_argument for
/// settings that contradict each other or the data, and for a checkpoint of another job. The same
/// inputs, settings and build make the same bits, resumed or not.
Result reconstruct(const Problem& problem, const Settings& settings, const Hooks& hooks,
                   const Checkpoint* resume = nullptr);

}  // namespace unfold::imaging
