#pragma once

#include <vector>

#include "workers/kernels/spi/scoring.h"

namespace unfold::spi {

/// Frames that are matched alike.
struct FrameBatch {
  double fluence = 1;         ///< of the group, where a background makes it matter
  bool listed = false;        ///< by the pixels that are not 0
  std::vector<Index> frames;  ///< ascending
};

/// All frames, each in one batch; those of like fluence and the same path together, by fluence.
std::vector<FrameBatch> batches_of(compute::Cpu& cpu, const PatternSet& frames,
                                   const Scoring& scoring);

}  // namespace unfold::spi
