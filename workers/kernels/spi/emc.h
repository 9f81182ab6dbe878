#pragma once

#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"

/// Expand, maximise, compress (Loh and Elser 2009; Dragonfly, Ayyer et al. 2016): an intensity on a
/// trilinear grid and soft orientations, without density. For comparison and for frames of few
/// photons. Its stages, each on all J rotations and N frames; J x N numbers are kept in memory.
/// Pixels: kGood find orientations, kMergeOnly are only compressed. All functions are deterministic
/// for any number of threads and throw std::invalid_argument where sizes do not fit.
namespace unfold::spi {

/// Intensity [edge^3], edge odd, origin at edge / 2; a voxel is 1 / scale, 1/Angstrom.
struct EmcVolume {
  Index edge = 0;
  double scale = 0;
  std::vector<double> intensity;
  std::vector<double> weight;  ///< how much data each voxel got; empty before the first step
};

/// The edge that holds every pixel that is not bad, with room for trilinear neighbours.
Index emc_edge(const Detector& detector, double scale);

/// Slices c_p W(R_j^T q_p), at least 1e-9 of the volume's largest value.
struct EmcModels {
  std::vector<float> value;   ///< [J, P]; 0 at bad pixels
  std::vector<double> total;  ///< [J] over good pixels
};
EmcModels expand(compute::Cpu& cpu, const EmcVolume& volume, const Detector& detector,
                 std::span<const Quaternion> rotations);

/// What models are multiplied by to have frames' mean photons: mean of frames' over mean of
/// models'. The frames are those of all ranks of `communicator`.
double model_scale(const EmcModels& models, const PatternSet& frames, const Detector& detector,
                   compute::Communicator& communicator);

/// L[j, i] = sum_p K_ip ln(s m_jp) - phi_i s u_j over good pixels, s the model scale; [J, N].
std::vector<double> log_likelihoods(compute::Cpu& cpu, const EmcModels& models, double scale,
                                    const PatternSet& frames, const Detector& detector,
                                    std::span<const double> fluence);

/// L becomes P[j, i] = exp(beta L[j, i]) / sum over j, in place.
void make_posterior(compute::Cpu& cpu, Index frames, double beta, std::span<double> likelihoods);

/// The volume that maximises the likelihood, P held: numerators sum_i P K and denominators
/// c_p sum_i P phi_i, scattered trilinearly, summed over all ranks, made Friedel symmetric,
/// divided. Rotations with sum_i P phi_i <= 1e-6 are left out. A voxel without data is 0.
EmcVolume compress(compute::Cpu& cpu, std::span<const double> posterior, const PatternSet& frames,
                   const Detector& detector, std::span<const Quaternion> rotations,
                   std::span<const double> fluence, Index edge, double scale,
                   compute::Communicator& communicator);

/// phi_i = photons_i / (s sum_j P_ji u_j), over good pixels; mean 1 over all ranks.
std::vector<double> update_fluence(std::span<const double> posterior, const EmcModels& models,
                                   const PatternSet& frames, const Detector& detector,
                                   compute::Communicator& communicator);

}  // namespace unfold::spi
