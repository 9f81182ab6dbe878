#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/merge_device.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"
#include "workers/kernels/spi/sum_device.h"

namespace unfold::spi {

/// Frames summed per orientation: what merging takes instead of the frames themselves; exact.
/// A frame i of fluence phi_i at rotation j with weight P_ij (soft, or 1) is modelled as
///   K_ip = phi_i c_p I_jp + B_p,   I_jp = sum_n x_n cos(n.x_jp),   c the detector's correction,
/// and the autocorrelation x minimises one of
///   least squares   sum_ijp P_ij (K_ip - B_p - phi_i c_p I_jp)^2
///   Poisson         sum_ijp P_ij (K_ip - B_p - phi_i c_p I_jp)^2 r_p / (phi_i c_p)
/// with r_p = |q_p| / qmax. (Photons vary as their mean phi c I: the second weighs frames and
/// pixels as their likelihood does, but for I itself, which falls too steeply to divide by; r
/// stands for it, and evens out that slices lie denser near the centre. So outer shells come out
/// better, in fewer iterations: docs/numerics.md, "Merging".) Both have normal equations
///   sum_jp g_j w_p I_jp cos(n.x_jp) = sum_jp v_jp cos(n.x_jp)      with
///   least squares   v_jp = c_p sum_i P_ij phi_i (K_ip - B_p)   g_j = sum_i P_ij phi_i^2   w = c^2
///   Poisson         v_jp = r_p sum_i P_ij (K_ip - B_p)         g_j = sum_i P_ij phi_i     w = r c
struct Merged {
  std::vector<Quaternion> rotation;   ///< [J]
  std::vector<double> weight;         ///< [J] g
  std::vector<float> value;           ///< [J, P'] v; P' = pixels
  std::vector<std::uint32_t> pixels;  ///< [P'] of the detector: those that are not bad
  std::vector<double> pixel_weight;   ///< [P'] w
};

/// A frame that counts with `weight` at `rotation` (several entries a frame: soft assignment).
struct Assignment {
  Index frame;
  std::int32_t rotation;  ///< index into the rotations handed over
  float weight;
};

enum class MergeWeight { kLeastSquares, kPoisson };

/// Rotations that nobody was assigned to are left out; weights <= 0 too. `fluence` [N] or empty: 1;
/// `background` [P] or empty: 0. `device`, or null, is asked first. Deterministic. Throws
/// std::invalid_argument where sizes or indices do not fit.
Merged sum_frames(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                  std::span<const Quaternion> rotations, std::span<const Assignment> assignments,
                  std::span<const double> fluence, std::span<const float> background,
                  MergeWeight weight, SumDevice* device = nullptr);

struct MergeOptions {
  double ridge = 1e-3;        ///< rl
  double anti_support = 1.0;  ///< fl
  double tolerance = 2e-3;    ///< CG stops at |r| <= tolerance |d|
  int max_iterations = 100;
  double nufft_tolerance = 1e-5;
};

/// What may be chosen by frames held out.
struct Penalties {
  double ridge;         ///< rl
  double anti_support;  ///< fl
};

struct MergeResult {
  std::vector<double> autocorrelation;  ///< [M, M, M], real, centred at M / 2
  int iterations = 0;
  double residual = 0;  ///< |r| / |d|
};

/// The choice among penalties, and the solution of all frames with it.
struct ChosenMerge {
  MergeResult merged;
  std::size_t chosen = 0;      ///< index into the penalties
  std::vector<double> misfit;  ///< of each: (x.C x - 2 d.x) with C and d of the held-out frames
};

/// Solves S (C + rl + fl Z) S x = S (d + rl x0) for the real autocorrelation x on M^3:
///   C_nm = sum_jp g_j w_p cos((n - m).x_jp) / N    d_n = sum_jp v_jp cos(n.x_jp) / N
///   N = sum_jp g_j w_p                             x_jp = pi R_j^T q_p / qmax
/// C is Toeplitz, its mean eigenvalue 1. It equals the normal matrix above on x that are even, and
/// keeps them so. Z keeps the Fourier modes |k| > M / 2 (rounded down), where
/// hardly a pixel lies. S keeps x inside
/// `support` ([M^3], bytes 0 or 1, even; or empty: everywhere). Conjugate gradients from x0 ([M^3],
/// even; or empty: zero). Not thread safe; deterministic. d, C and N are summed over the ranks of
/// `communicator`, so that all ranks get the answer of all frames: collective. What is given to the
/// constructor must outlive it. Throws std::invalid_argument where sizes do not fit or no data
/// count. Source: engines of M-TIP (Donatelli et al. 2017), Toeplitz form as in Fessler et al.
/// 2005.
class Merger {
 public:
  /// `device` may be null; else it does the transforms and conjugate gradients, for this grid.
  Merger(compute::Cpu& cpu, Index grid, const Detector& detector,
         compute::Communicator& communicator, MergeDevice* device = nullptr);
  ~Merger();
  MergeResult solve(const Merged& merged, std::span<const double> x0,
                    std::span<const std::uint8_t> support, const MergeOptions& options);
  /// The same data, other hyper-parameters: the kernel and right-hand side of the last solve().
  MergeResult solve_again(std::span<const double> x0, std::span<const std::uint8_t> support,
                          const MergeOptions& options);
  /// Solves with each of `penalties` for the frames of `kept` and takes the one whose solution is
  /// nearest to those of `held_out` in the weighted squares above (misfit is that distance but for
  /// what no solution changes); then solves for both together. The transforms cost what solve()
  /// costs, as normal equations add up. Throws as solve(), and where there are no penalties.
  ChosenMerge choose(const Merged& kept, const Merged& held_out, std::span<const double> x0,
                     std::span<const std::uint8_t> support, const MergeOptions& options,
                     std::span<const Penalties> penalties);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold::spi
