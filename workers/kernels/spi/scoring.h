#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/kernels/spi/dispatch.h"
#include "workers/kernels/spi/matching.h"

/// What match(), match_near() and scores() share: one call's pixels and constants.
namespace unfold::spi {

/// A frame at the matching pixels: values that are not 0, or all where that is cheaper to read.
struct ScoredFrame {
  std::vector<float> value;          ///< K, or sqrt K for kSqrt; [P'] or [listed]
  std::vector<std::uint32_t> pixel;  ///< empty: all
  double photons = 0;                ///< sum K
  double square = 0;                 ///< sum K^2
  double fluence = 1;
};

class Scoring {
 public:
  /// Throws std::invalid_argument: no usable pixel, background without fluences or with a metric
  /// that has none.
  Scoring(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
          const MatchOptions& options);

  const PixelChoice& choice() const { return choice_; }
  Index size() const { return choice_.size(); }
  TermKind kind() const { return kind_; }
  const TermKernels& kernels() const { return *kernels_; }
  double euclid_scale() const { return scale_; }
  /// How `model` [P'] is read for a frame of that fluence.
  SliceTask task(const float* model, double fluence) const;

  /// Values of frame i; `row` is room for all its pixels.
  void read(const PatternSet& frames, Index frame, std::vector<float>& row, ScoredFrame& out) const;

  /// The score of a slice [P'], as matching.h defines it.
  float score(const float* model, const ScoredFrame& frame) const;

 private:
  void find_scales(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer);

  Metric metric_;
  TermKind kind_;
  PixelChoice choice_;
  std::vector<float> background_;  ///< [P'] or empty
  std::span<const double> fluence_;
  const TermKernels* kernels_;
  float floor_ = 0;
  double scale_ = 0;
};

}  // namespace unfold::spi
