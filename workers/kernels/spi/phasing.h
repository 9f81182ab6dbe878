#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/compute/view.h"
#include "workers/kernels/spi/phase_device.h"
#include "workers/kernels/spi/phase_schedule.h"

namespace unfold::spi {

/// What a start goes on from; both empty: the central half box where the autocorrelation exceeds
/// 1 %, times uniform random numbers.
struct PhaseStart {
  std::vector<std::uint8_t> support;  ///< [M^3], centred
  std::vector<double> density;        ///< [M^3], centred
  std::uint64_t seed = 1;
};

struct PhaseResult {
  std::vector<double> density;          ///< [M^3], centred at M / 2, >= 0
  std::vector<std::uint8_t> support;    ///< [M^3]
  std::vector<double> autocorrelation;  ///< [M^3] of the density, scaled to the input's
  double fourier_error = 0;             ///< sqrt(sum (|F| - A)^2 / sum A^2) over known amplitudes
};

/// Amplitudes that are data: [M^3] centred, 1 where qmin, the smallest measured |q|, is at most
/// |q| = |k| 2 qmax / M, and |k| <= M / 2 (rounded down: merging damps what lies beyond).
std::vector<std::uint8_t> known_amplitudes(Index grid, double qmin, double qmax);

/// The factor by which `model` comes nearest to `merged` (autocorrelations), never negative; 0 for
/// a model of zeros. Behind a beamstop `merged` lacks its strongest modes and can run against every
/// model: then the factor makes their sizes equal.
double best_multiple(std::span<const double> model, std::span<const double> merged);

/// One result a start, in order; starts run side by side on the Cpu's threads. `known` [M^3] or
/// empty: all. The zero frequency floats always. `cancelled` may be empty; asked once a loop, by
/// one thread at a time; then the results are not to be used. Deterministic. Iterates in a cube
/// whose edge transforms fast, not in M^3 (phase_box.h); on `device` where that is not null. Throws
/// std::invalid_argument where sizes differ.
std::vector<PhaseResult> phase(compute::Cpu& cpu, Index grid,
                               std::span<const double> autocorrelation,
                               std::span<const std::uint8_t> known,
                               std::span<const PhaseStart> starts, const PhaseSchedule& schedule,
                               const std::function<bool()>& cancelled = {},
                               PhaseDevice* device = nullptr);

/// Starts brought by translation (also by parts of voxels) and inversion onto the one of the
/// smallest Fourier error, and averaged inside |k| <= M / 2. prtf [M / 2 + 1]: by shell of known
/// modes, sum |sum of F over starts| / sum |F|.
struct Consensus {
  std::vector<double> density;  ///< [M^3]
  std::vector<double> prtf;
  double agreement = 0;  ///< median correlation of each start with the average
};
Consensus consensus(compute::Cpu& cpu, Index grid, std::span<const PhaseResult> results,
                    std::span<const std::uint8_t> known);

}  // namespace unfold::spi
