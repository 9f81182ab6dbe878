#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workers/kernels/spi/dispatch.h"
#include "workers/kernels/spi/matching.h"

/// What match(), match_near() and scores() share: one call's pixels and constants.
namespace unfold::spi {

/// Slices that stand for all of a model: enough for its largest value, spread and mean.
inline constexpr Index kTypicalSlices = 64;

/// A frame at the matching pixels: values that are not 0, or all where that is cheaper to read.
struct ScoredFrame {
  std::vector<float> value;          ///< K, or sqrt K for kSqrt; [P'] or [listed]
  std::vector<std::uint32_t> pixel;  ///< [listed], places in the choice
  bool listed = false;
  double photons = 0;  ///< sum K
  double square = 0;   ///< sum K^2
  double fluence = 1;  ///< or, profiled, photons that are not the background's
};

class Scoring;

/// Candidates of match_near() that are looked at again in exact slices, beyond those kept.
inline constexpr Index kDoubtfulNear = 4;

/// Candidates a frame that survive single precision; with a background also what a group's common
/// fluence blurs.
Index kept_of(const Scoring& scoring, const MatchOptions& options);

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
  /// Slices are raised to this.
  float floor() const { return floor_; }
  std::span<const float> background() const { return background_; }
  double dark() const { return dark_; }
  std::span<const double> fluence() const { return fluence_; }
  /// How `model` [P'] of that total() is read for a frame of ScoredFrame's `fluence`.
  SliceTask task(const float* model, double total, double fluence) const;
  /// Whether a background's frames come without fluences.
  bool profiled() const { return kind_ == TermKind::kBackground && fluence_.empty(); }

  /// Values of frame i, listed or all; `row` is room for all its pixels.
  void read(const PatternSet& frames, Index frame, std::vector<float>& row, ScoredFrame& out) const;
  /// The same, all pixels [P'] whatever they hold.
  void read_all(const PatternSet& frames, Index frame, std::vector<float>& row,
                ScoredFrame& out) const;

  /// The score of a slice [P'], as matching.h defines it.
  float score(const float* model, const ScoredFrame& frame) const;
  /// The same with the slice's total() known.
  float score(const float* model, double total, const ScoredFrame& frame) const;
  double total(const float* model) const { return kernels_->total(task(model, 1, 1)); }
  /// Slices [kTypicalSlices, P'] of the model.
  std::span<const float> typical() const { return typical_; }
  /// Values above which a frame is read as all pixels.
  Index longest_list() const { return size() / 2; }

 private:
  double score_of(const TermSums& sums, const ScoredFrame& frame) const;
  void find_scales(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer);

  TermKind kind_;
  PixelChoice choice_;
  std::vector<float> typical_;
  std::vector<float> background_;  ///< [P'] or empty
  double dark_ = 0;                ///< its sum
  std::span<const double> fluence_;
  const TermKernels* kernels_;
  float floor_ = 0;
  double scale_ = 0;
};

}  // namespace unfold::spi
