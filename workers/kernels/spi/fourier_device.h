#pragma once

#include <memory>

#include "workers/kernels/spi/merge_device.h"
#include "workers/kernels/spi/phase_device.h"

namespace unfold::spi {

/// Where runs merge and phase, if not on the Cpu: a GPU. Outlives what it makes, each of which
/// serves one thread at a time.
class FourierDevice {
 public:
  virtual ~FourierDevice() = default;
  /// For a grid of M.
  virtual std::unique_ptr<MergeDevice> merging(Index grid) = 0;
  virtual std::unique_ptr<PhaseDevice> phasing() = 0;
};

}  // namespace unfold::spi
