#pragma once

#include <memory>

#include "workers/kernels/imaging/reconstruction.h"

/// One maker per algorithm; make_reconstruction chooses. Options have been checked.
namespace unfold::imaging {

/// The published loop (engines/imaging.md b), the exact Newton method in place of its optimiser;
/// quirks are kept: the amplitudes of kDc1 stay at the guess, priors are centred on the guess
/// although the template is multiplied by it, and the longest step is an integer over dc1_scale.
std::unique_ptr<Reconstruction> make_dc1(const Problem& problem, const AlgorithmOptions& options);

/// The EM step, then the exact maximum over image scale and amplitudes.
std::unique_ptr<Reconstruction> make_em_newton(const Problem& problem,
                                               const AlgorithmOptions& options);

/// cosipy's Richardson-Lucy (engines/imaging.md c). One amplitude per component: cosipy knows no
/// groups.
std::unique_ptr<Reconstruction> make_cosipy_rl(const Problem& problem,
                                               const AlgorithmOptions& options);

/// kEm, kOsem and kMap: em_solver.h.
std::unique_ptr<Reconstruction> make_em(const Problem& problem, const AlgorithmOptions& options);
std::unique_ptr<BatchReconstruction> make_em_batch(const Problem& problem,
                                                   const AlgorithmOptions& options,
                                                   std::span<const double> counts,
                                                   Index replicates);

}  // namespace unfold::imaging
