#pragma once

#include <array>
#include <complex>
#include <span>

#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {

struct ShiftFound {
  std::array<double, 3> shift{0, 0, 0};  ///< voxels
  double agreement = 0;                  ///< Re sum of the shifted cross spectrum
};

/// The shift t that makes sum_p cross[p] exp(+2 pi i k.t / M) largest, cross [P] on `shells`' modes
/// (a times the conjugate of b: b moved by t lies on a): best voxel, then to `precision`.
ShiftFound best_shift(const Shells& shells, std::span<const std::complex<double>> cross,
                      double precision = 0.005);

}  // namespace unfold::spi
