#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "workers/compute/communicator.h"
#include "workers/compute/cpu_device.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"

namespace unfold::spi {

/// Frames summed per orientation: what merging takes instead of the frames themselves. For least
/// squares over frames of fluence phi with weights P (soft or 1):
///   value[j, p] = sum_i P_ij phi_i (K_ip - background_p) / c_p      weight[j] = sum_i P_ij phi_i^2
/// for Poisson's maximum likelihood without phi in the first and phi_i in the second.
struct Merged {
  std::vector<Quaternion> rotation;   ///< [J]
  std::vector<double> weight;         ///< [J]
  std::vector<float> value;           ///< [J, P']; P' = pixels
  std::vector<std::uint32_t> pixels;  ///< [P'] of the detector: those that are not bad
};

/// A frame that counts with `weight` at `rotation` (several entries a frame: soft assignment).
struct Assignment {
  Index frame;
  std::int32_t rotation;  ///< index into the rotations handed over
  float weight;
};

enum class MergeWeight { kLeastSquares, kPoisson };

/// Rotations that nobody was assigned to are left out. Deterministic.
Merged sum_frames(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                  std::span<const Quaternion> rotations, std::span<const Assignment> assignments,
                  std::span<const double> fluence, std::span<const float> background,
                  MergeWeight weight);

struct MergeOptions {
  double ridge = 1e-3;        ///< rl, relative to N = sum of weights
  double anti_support = 1.0;  ///< fl: weight of |F x|^2 outside the sphere of data
  double tolerance = 2e-3;    ///< CG stops at |r| <= tolerance |d|
  int max_iterations = 100;
  double nufft_tolerance = 1e-5;
};

struct MergeResult {
  std::vector<double> autocorrelation;  ///< [M, M, M], real, centred at M / 2
  int iterations = 0;
  double residual = 0;  ///< |r| / |d|
};

/// Solves (C + rl + fl Z) x = d + rl x0 for the real autocorrelation x on M^3:
///   C x = sum_jp weight_j w_p a_jp (a_jp . x) / N by its Toeplitz kernel, a = cos(n.x_jp);
///   d = sum_jp value_jp a_jp / N;  N = sum weight_j w_p;  Z penalises Fourier modes beyond qmax;
///   x is kept inside `support` [M^3] (bytes 0 / 1, or empty). Conjugate gradients in real
///   arithmetic from x0 ([M^3] or empty: zero). engines/spi.md i.5.
/// Not thread safe; deterministic. Sums over ranks go through `communicator`.
class Merger {
 public:
  Merger(compute::Cpu& cpu, Index grid, const Detector& detector,
         compute::Communicator& communicator);
  ~Merger();
  MergeResult solve(const Merged& merged, std::span<const double> x0,
                    std::span<const std::uint8_t> support, const MergeOptions& options);
  /// The same data, other hyper-parameters: the kernel and right-hand side of the last solve().
  MergeResult solve_again(std::span<const double> x0, std::span<const std::uint8_t> support,
                          const MergeOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace unfold::spi
