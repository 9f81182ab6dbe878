#pragma once

#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/merging.h"

/// Intensities on Fourier modes k, -M / 2 .. M / 2, |q| = |k| 2 qmax / M: what products show.
namespace unfold::spi {

/// [M^3] centred: I_k = sum_n x_n cos(2 pi k.n / M) of the autocorrelation x [M^3], centred. May be
/// negative where x is noisy. Throws std::invalid_argument for another size.
std::vector<double> intensity_of(Index grid, std::span<const double> autocorrelation);

/// [M^3] centred: how often each mode was measured: sum of g_j w_p / max w over the pixels whose
/// nearest mode it is, or its Friedel mate; over all ranks. Deterministic.
std::vector<double> coverage(compute::Cpu& cpu, Index grid, const Detector& detector,
                             const Merged& merged, compute::Communicator& communicator);

}  // namespace unfold::spi
