#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"
#include "workers/nufft/nufft.h"

namespace unfold::spi {

enum class Metric { kPoisson, kSqrt, kEuclid };

/// An intensity to cut slices from: autocorrelation a [M, M, M], centred at M / 2, in frames'
/// units: I(q) = sum_n a_n cos(n.x), x = pi q / qmax. `background` [P] or empty, added to every
/// slice (times no fluence).
class Slicer {
 public:
  Slicer(compute::Cpu& cpu, Index grid, const Detector& detector, double tolerance = 1e-4,
         compute::Isa isa = compute::choose_isa());
  void set(View<const double, 3> autocorrelation);

  /// out [J, P']: slices at the pixels `pixels` (indices into the detector), times their
  /// correction, not clipped. Thread safe; parallel over J.
  void slices(std::span<const Quaternion> rotations, std::span<const std::uint32_t> pixels,
              View<float, 2> out) const;
  /// One slice, serial.
  void slice(const Quaternion& rotation, std::span<const std::uint32_t> pixels, float* out) const;

  /// The pixels [P'] of a choice, with their q scaled to radians, prepared once.
  const Detector& detector() const { return *detector_; }

 private:
  compute::Cpu* cpu_;
  const Detector* detector_;
  nufft::CosineGrid<float> grid_;
};

/// Slices below this share of the model's largest value are raised to it: a logarithm needs it.
inline constexpr float kModelFloor = 1e-6f;

/// What is scored: S is larger where it fits better, in every metric.
///   poisson: S = sum_p K ln(m / u), u = sum_p m: the log-likelihood with the frame's fluence
///            profiled out. With a background B and fluence phi: sum K ln(phi m + B) - phi u.
///   sqrt:    S = sum sqrt(K m) / sqrt(u)
///   euclid:  S = -(|m|^2 + |K|^2 - 2 m.K), m scaled by one number for all references (std K /
///            std m), as SpiniFEL does
/// over the pixels of class kGood with |q| <= `qlimit` (0: qmax / sqrt 2, the inscribed circle of a
/// square detector, as the references do).
struct MatchOptions {
  Metric metric = Metric::kPoisson;
  double qlimit = 0;
  Index top = 8;                        ///< candidates kept a frame, at most 16
  std::span<const float> background{};  ///< [P] or empty; poisson only
  std::span<const double> fluence{};    ///< [N]; with a background
  compute::Isa isa = compute::choose_isa();
};

/// The best `top` references of each frame, best first; equal scores: the lower index first.
struct Matches {
  Index top = 0;
  std::vector<std::int32_t> reference;  ///< [N, top]
  std::vector<float> score;             ///< [N, top], exact: each re-computed in fp32 x fp64 sums
};

/// All frames against J references, as a tiled matrix product with the selection of the best fused:
/// a J x N matrix never exists. Frames with few photons take a sparse path. Deterministic for any
/// number of threads. Throws std::invalid_argument where a frame set has no usable pixel.
Matches match(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
              std::span<const Quaternion> references, const MatchOptions& options);

/// Each frame against its own candidates: start [N, S] (S starts a frame) turned by `turns` [C]
/// (start * turn; the first is the identity). Keeps the best `top` over S x C.
struct LocalMatches {
  Index top = 0;
  std::vector<Quaternion> rotation;  ///< [N, top]
  std::vector<float> score;          ///< [N, top]
};
LocalMatches match_near(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                        std::span<const Quaternion> start, Index starts,
                        std::span<const Quaternion> turns, const MatchOptions& options);

/// Scores of given pairs, for oracles and soft weights: frame i against rotation[i, k].
std::vector<float> scores(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                          std::span<const Quaternion> rotation, Index per_frame,
                          const MatchOptions& options);

/// P[i, k] = exp(beta (S[i, k] - max)) / sum: [N, K] in, [N, K] out. -inf scores get 0.
std::vector<float> posterior(std::span<const float> score, Index per_frame, double beta);

}  // namespace unfold::spi
