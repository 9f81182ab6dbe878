#pragma once

#include "workers/kernels/spi/phasing.h"
#include "workers/nufft/fft.h"

/// What phasing's iterations start from and what becomes of where they end, on the host.
namespace unfold::spi {

/// What all starts share.
struct PhaseProblem {
  /// Amplitudes need no more digits than this: results agree with double to 1e-4.
  using Real = float;

  Index grid, box;
  nufft::RealFft<Real> fft;           ///< of the box
  std::vector<Real> amplitude;        ///< [box^2 (box / 2 + 1)]; -1 where not known
  std::vector<std::uint8_t> support;  ///< [M^3], centred, of a fresh start

  Index voxels() const { return box * box * box; }
  Index modes() const { return box * box * (box / 2 + 1); }
};

/// Amplitudes of the autocorrelation [M^3] blurred by `sigma` voxels; `known` as phase() takes it.
PhaseProblem make_phase_problem(Index grid, std::span<const double> autocorrelation,
                                std::span<const std::uint8_t> known, double sigma);

/// density and support [box^3] of a start, overwritten.
void begin(const PhaseProblem& problem, const PhaseStart& start,
           std::span<PhaseProblem::Real> density, std::span<std::uint8_t> support);

/// The result of a start that ended at density and support [box^3]: centred, and scaled to the
/// autocorrelation `merged` [M^3]. `whole` transforms M^3.
PhaseResult finish(const PhaseProblem& problem, const nufft::RealFft<double>& whole,
                   std::span<const double> merged, std::span<const PhaseProblem::Real> density,
                   std::span<const std::uint8_t> support, double fourier_error);

}  // namespace unfold::spi
