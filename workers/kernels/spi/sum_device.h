#pragma once

#include <cstdint>

#include "workers/compute/view.h"

namespace unfold::spi {

class PatternSet;

/// Frames to be summed rotation by rotation (sum_frames() in merging.h), with host pointers:
///   value[j, p] = factor_p (sum_k share_k K[frame_k, pixel_p] - beside_j background_p),
///   k in [first_j, first_j+1), in double, in the order of k.
/// It also crosses the CUDA module's border (workers/cuda/spi_border.h).
struct SumTask {
  compute::Index rotations;     ///< J
  const compute::Index* first;  ///< [J + 1], from 0
  const std::int32_t* frame;    ///< [first[J]]
  const double* share;          ///< [first[J]]
  const double* beside;         ///< [J]
  compute::Index size;          ///< P'
  const std::uint32_t* pixel;   ///< [P'] of the detector
  const double* factor;         ///< [P']
  const double* background;     ///< [P']
  compute::Index most;          ///< values held at once
  float* value;                 ///< [J, P'] overwritten
};

/// What sums frames where it has them: elsewhere than on the Cpu.
class SumDevice {
 public:
  virtual ~SumDevice() = default;
  /// False: it does not take such frames, and the host sums them.
  virtual bool sum(const PatternSet& frames, const SumTask& task) = 0;
};

}  // namespace unfold::spi
