#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "workers/compute/view.h"
#include "workers/kernels/spi/phase_schedule.h"

namespace unfold::spi {

using compute::Index;

/// Starts side by side in the cube of L^3 that phasing iterates in (phase_box.h), origin at 0.
struct PhaseBatch {
  Index grid, box;                   ///< M, and L
  std::span<const float> amplitude;  ///< [L^2 (L / 2 + 1)]; negative where not known
  std::span<const float> taps;       ///< of shrinkwrap's Gaussian (gaussian_taps)
  std::span<float> density;          ///< [S, L^3] from where to go on, and where it ended
  std::span<std::uint8_t> support;   ///< [S, L^3] the same
  std::span<double> fourier_error;   ///< [S] overwritten: PhaseResult's
};

/// What iterates starts elsewhere than on the Cpu's threads: a GPU. One thread at a time.
class PhaseDevice {
 public:
  virtual ~PhaseDevice() = default;
  /// Follows the schedule with all starts; goes_on() is asked before each loop. Deterministic.
  virtual void iterate(const PhaseBatch& batch, const PhaseSchedule& schedule,
                       const std::function<bool()>& goes_on) = 0;
};

}  // namespace unfold::spi
