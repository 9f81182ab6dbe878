#pragma once

#include <functional>
#include <string>
#include <vector>

#include "workers/kernels/spi/run.h"

namespace unfold::spi {

enum class Verdict { kConverged, kAmbiguous, kFailed };
std::string to_string(Verdict verdict);  ///< "converged", "ambiguous", "failed"

struct Settings {
  RunOptions run;
  bool halves =
      true;  ///< two independent runs on disjoint halves; without: verdict at most ambiguous
  int phasing_starts = 16;  ///< of the final map
};

/// Shown while running.
struct Report {
  std::string part;  ///< "half 1", "half 2", "all", "phasing"
  Generation generation;
  double fraction = 0;         ///< 0 .. 1 of the whole, by the largest number of generations
  double half_resolution = 0;  ///< Angstrom, of the last look; 0: not yet
  const Estimate* estimate = nullptr;
};

/// Plain numbers; the caller stores them.
using Checkpoint = std::vector<double>;

struct Hooks {
  std::function<void(const Report&)> report{};
  std::function<bool()> cancelled{};
  std::function<void(const Checkpoint&)> checkpoint{};  ///< after each generation
};

/// One conformation's map. Volumes [M^3], centred at M / 2; shells [M / 2 + 1].
struct Map {
  std::vector<double> density;
  std::vector<double> autocorrelation;
  std::vector<double> intensity;         ///< on modes k: |q| = |k| 2 qmax / M
  std::vector<double> intensity_weight;  ///< how often measured
  std::vector<std::uint8_t> support;
  std::vector<double> half_density[2];             ///< aligned on the map; empty without halves
  std::vector<double> half_intensity_correlation;  ///< (i) of the halves before phasing
  std::vector<double> half_correlation;            ///< (ii) of their phased maps
  /// (ii) less what supports and the search make, and no more than what both share with the truth
  std::vector<double> half_correlation_corrected;
  std::vector<double> prtf;
  double resolution = 0;            ///< Angstrom: corrected FSC at 0.143; infinity: none
  double intensity_resolution = 0;  ///< Angstrom: (i) at 0.143
  double phasing_agreement = 0;
};

struct Result {
  std::vector<Map> maps;  ///< [C]
  Estimate estimate;      ///< frames' orientations, fluences, ...; its volumes are the maps'
  std::vector<std::uint8_t> half;  ///< [N] 0 or 1: which half a frame was in
  std::vector<double> entropy;     ///< [N]
  std::vector<Report> history;     ///< without estimates
  Verdict verdict = Verdict::kFailed;
  std::vector<std::string> reasons;  ///< for people: why not better than that
  /// Conformations: log-likelihood gain a frame of C over 1, from held-out frames, with its error.
  double conformation_gain = 0, conformation_gain_error = 0;
  /// Cohen's kappa of the classes that a half's own maps and the other half's give its frames; the
  /// smaller of the two halves'. 0: no more than chance.
  double conformation_agreement = 0;
  bool evidence_for_conformations = false;
};

/// The whole job after its inputs are in memory: two half runs that share nothing, their agreement,
/// a map of all frames, multi-start phasing, the verdict. Throws Cancelled, or
/// std::invalid_argument for settings that contradict the data and for another job's checkpoint.
/// Same inputs, settings and build: same bits, resumed or not.
Result reconstruct(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                   const Settings& settings, compute::Communicator& communicator,
                   const Hooks& hooks, const Checkpoint* resume = nullptr);

}  // namespace unfold::spi
