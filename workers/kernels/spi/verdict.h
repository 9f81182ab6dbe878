#pragma once

#include <string>
#include <vector>

#include "workers/kernels/spi/evidence.h"
#include "workers/kernels/spi/reconstruct.h"

namespace unfold::spi {

/// What speaks for and against a map (docs/numerics-spi.md says how the limits were found).
struct Signs {
  bool halves = false;  ///< two independent runs were made
  /// First shell, from 1, whose corrected correlation is below 0.143, as a job claims it.
  Index agreeing_shells = 0;
  double expected_correlation = 0;  ///< of the map with the truth, by the same curve (agreement.h)
  Gain held_out[2];      ///< nats a frame over what has no structure, of the other half's frames
  double entropy = 0;    ///< share of the largest that an orientation's posterior can have
  double hits = 1;       ///< share of the frames that show the particle
  bool finished = true;  ///< every run stopped by itself
};

struct Judgement {
  Verdict verdict = Verdict::kFailed;
  std::vector<std::string> reasons;  ///< why not better than that; empty when converged
};
Judgement judge(const Signs& signs);

/// Each half's maps predict the other's frames better than their radial mean does.
bool predicts(const Signs& signs);

/// Whether a start is trapped: its mean gain at the end of its climb is below the other half's by
/// more than sound starts differ by.
bool trapped(const Gain& start, const Gain& other);

/// Shells that two maps of nothing agree in: the alignment has six parameters to make them.
inline constexpr Index kChanceShells = 3;

}  // namespace unfold::spi
