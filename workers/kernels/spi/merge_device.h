#pragma once

#include <cstdint>
#include <span>

namespace unfold::spi {

/// Frames summed by rotation (Merged), as a device takes them.
struct MergeFrames {
  double scale;                          ///< pi / qmax
  std::span<const double> rotation;      ///< [J, 9] row-major matrices
  std::span<const double> weight;        ///< [J]
  std::span<const double> q;             ///< [P, 3]
  std::span<const double> pixel_weight;  ///< [P]
  std::span<const float> value;          ///< [J, P]
};

/// As MergeOptions has them.
struct SolveLimits {
  double ridge, tolerance;
  int max_iterations;
};
struct SolveEnd {
  int iterations = 0;
  double residual = 0;  ///< |r| / |d|
};

/// What does merging's transforms and conjugate gradients elsewhere than on the Cpu: a GPU. For one
/// grid of M; volumes are on the host. One thread at a time.
class MergeDevice {
 public:
  virtual ~MergeDevice() = default;

  /// right [M^3] and lags [(2M - 1)^3] += the frames' sums, not yet divided by N (merging.h).
  virtual void add(const MergeFrames& frames, double tolerance, std::span<double> right,
                   std::span<double> lags) = 0;

  /// S (C + rl) S x = S (d + rl x0), C by its lags [(2M - 1)^3], with the anti-support in them;
  /// x0 and support [M^3] or empty as in merging.h; x [M^3] is overwritten.
  virtual SolveEnd solve(std::span<const double> lags, std::span<const double> right,
                         std::span<const double> x0, std::span<const std::uint8_t> support,
                         const SolveLimits& limits, std::span<double> x) = 0;
};

}  // namespace unfold::spi
