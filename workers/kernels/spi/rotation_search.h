#pragma once

#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/rotations.h"

namespace unfold::spi {

struct RotationCandidate {
  Quaternion rotation;
  double agreement = 0;  ///< TurnedIntensity's
};

struct RotationSearch {
  Index starts = 3000;   ///< super-Fibonacci rotations looked at
  std::size_t kept = 4;  ///< refined at full resolution
  double away = 0;       ///< radians from the identity at least
};

/// Rotations at which b's intensity lies on a's, best first, different ones; may be empty where
/// `away` leaves none. Intensities are given by their autocorrelations [M^3].
std::vector<RotationCandidate> best_rotations(compute::Cpu& cpu, Index grid,
                                              std::span<const double> a, std::span<const double> b,
                                              const RotationSearch& search);

}  // namespace unfold::spi
