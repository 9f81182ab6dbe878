#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "workers/compute/cpu_device.h"
#include "workers/compute/isa.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/quick_grid.h"
#include "workers/kernels/spi/rotations.h"
#include "workers/kernels/spi/sum_device.h"
#include "workers/nufft/nufft.h"

namespace unfold::spi {

enum class Metric { kPoisson, kSqrt, kEuclid };

/// Pixels that slices are cut at, prepared once by Slicer::choose().
struct PixelChoice {
  std::vector<std::uint32_t> pixel;  ///< [P'] of the detector
  std::vector<float> position;       ///< [P', 3] pi q / qmax: radians
  std::vector<float> axes;           ///< [3, P'] the same
  std::vector<float> correction;     ///< [P']

  Index size() const { return static_cast<Index>(pixel.size()); }
};

/// An intensity to cut slices from: autocorrelation a [M, M, M], centred at M / 2, in frames'
/// units: I(q) = sum_n a_n cos(n.x), x = pi q / qmax. Immutable between two set(): const members
/// are thread safe. The detector must outlive it.
class Slicer {
 public:
  Slicer(compute::Cpu& cpu, Index grid, const Detector& detector, double tolerance = 1e-3,
         compute::Isa isa = compute::choose_isa());
  void set(View<const double, 3> autocorrelation);

  PixelChoice choose(std::vector<std::uint32_t> pixels) const;

  /// out [J, P']: slices times the pixels' correction, not clipped. Parallel over J.
  void slices(std::span<const Quaternion> rotations, const PixelChoice& choice,
              View<float, 2> out) const;
  void slices(std::span<const Quaternion> rotations, std::span<const std::uint32_t> pixels,
              View<float, 2> out) const;
  /// One slice, serial: out [P'].
  void slice(const Quaternion& rotation, const PixelChoice& choice, float* out) const;
  /// The same to about half a percent, ten times as fast: what a search looks at first. Pixels of
  /// |q| <= qmax only.
  void quick_slice(const Quaternion& rotation, const PixelChoice& choice, float* out) const;
  /// The mean slice over all rotations (I averaged over each sphere), times the correction: out
  /// [P']. What a frame looks like that has no structure.
  void mean_slice(const PixelChoice& choice, float* out) const;

  const Detector& detector() const { return *detector_; }
  /// What slices are cut from.
  nufft::FineGrid<float> fine() const { return grid_.fine(); }
  const QuickGrid& quick() const { return quick_; }

 private:
  compute::Cpu* cpu_;
  const Detector* detector_;
  Index modes_;
  nufft::CosineGrid<float> grid_;
  QuickGrid quick_;
  std::vector<double> shell_;  ///< sum of a over |n|^2 = 0, 1, 2, ...
};

/// Pixels that orientations are found with: of class kGood with |q| <= `qlimit` (0: qmax / sqrt 2,
/// the circle inscribed in a square detector, and one in a thousand more).
std::vector<std::uint32_t> matching_pixels(const Detector& detector, double qlimit = 0);

/// Slices below this share of the model's largest value are raised to it: a logarithm needs it.
inline constexpr float kModelFloor = 1e-6f;

class MatchDevice;

/// What is scored: S is larger where it fits better, in every metric.
///   poisson: S = sum_p K ln(m / u), u = sum_p m: the log-likelihood with the frame's fluence
///            profiled out. With a background B and fluence phi: sum K ln(phi m + B) - phi u;
///            where no fluence is given, phi = (sum K - sum B) / u, at least sum K / 1000 u.
///   sqrt:    S = sum sqrt(K m) / sqrt(u)
///   euclid:  S = -(|m|^2 + |K|^2 - 2 m.K), m scaled by one number for all references (std K /
///            std m), as SpiniFEL does
/// over matching_pixels(). "The model's largest value" and std m are those of the same 64 slices,
/// spread over all rotations, whichever references are asked for: all scores of a model compare.
struct MatchOptions {
  Metric metric = Metric::kPoisson;
  double qlimit = 0;
  Index top = 8;                        ///< candidates kept a frame, at most 16
  std::span<const float> background{};  ///< [P] or empty; poisson only
  std::span<const double> fluence{};    ///< [N] > 0, with a background; or empty
  double euclid_scale = 0;              ///< m times this; 0: std K / std m
  compute::Isa isa = compute::choose_isa();
  MatchDevice* device = nullptr;  ///< asked first
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
/// (start * turn; the first is the identity). Keeps the best `top` over S x C, their scores exact:
/// all are looked at in quick slices, a few more than `top` again in exact ones.
struct LocalMatches {
  Index top = 0;
  std::vector<Quaternion> rotation;  ///< [N, top]
  std::vector<float> score;          ///< [N, top]
};
LocalMatches match_near(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                        std::span<const Quaternion> start, Index starts,
                        std::span<const Quaternion> turns, const MatchOptions& options);

/// Searches by something else than the host's threads (workers/cuda/match_device.h), which sums the
/// frames that it has, too. Nothing is returned for what it does not do: the host does it then.
class MatchDevice : public SumDevice {
 public:
  /// match()'s answer, scores within 1e-5 of their size.
  virtual std::optional<Matches> match(compute::Cpu& cpu, const PatternSet& frames,
                                       const Slicer& slicer, std::span<const Quaternion> references,
                                       const MatchOptions& options) = 0;
  /// match_near()'s.
  virtual std::optional<LocalMatches> match_near(compute::Cpu& cpu, const PatternSet& frames,
                                                 const Slicer& slicer,
                                                 std::span<const Quaternion> start, Index starts,
                                                 std::span<const Quaternion> turns,
                                                 const MatchOptions& options) = 0;
};

/// Scores of given pairs, for oracles and soft weights: frame i against rotation[i, k].
std::vector<float> scores(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                          std::span<const Quaternion> rotation, Index per_frame,
                          const MatchOptions& options);

/// Score [N] of the mean slice: how well no structure fits. What a non-hit scores anyway.
std::vector<float> mean_scores(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                               const MatchOptions& options);

/// Model totals u [J] over the matching pixels, clipped as in scores: a frame's fluence is its
/// total over them, less the background's, divided by u.
std::vector<double> slice_totals(compute::Cpu& cpu, const Slicer& slicer,
                                 std::span<const Quaternion> rotations,
                                 const MatchOptions& options);

/// P[i, k] = exp(beta (S[i, k] - max)) / sum: [N, K] in, [N, K] out. -inf scores get 0; a row of
/// nothing else gets 0 throughout.
std::vector<float> posterior(std::span<const float> score, Index per_frame, double beta);

}  // namespace unfold::spi
