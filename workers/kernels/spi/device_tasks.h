#pragma once

#include <span>
#include <vector>

#include "workers/kernels/spi/device/tasks.h"
#include "workers/kernels/spi/scoring.h"

/// Searches put into the plain numbers that devices take.
namespace unfold::spi {

/// The set as it is held; valid as long as it is.
FramesTask frames_task(const PatternSet& frames);
/// Whether a device takes it: lists must ascend.
bool fits_device(const PatternSet& frames);

/// One search's scores and grid. What it is made from must outlive it.
class ScoreInput {
 public:
  /// Throws as Scoring does.
  ScoreInput(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
             const MatchOptions& options);
  const Scoring& scoring() const { return scoring_; }
  ScoreTask score() const;
  GridTask grid() const;

 private:
  Scoring scoring_;
  nufft::FineGrid<float> fine_;
};

/// match() for a device.
class MatchInput {
 public:
  MatchInput(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
             std::span<const Quaternion> references, const MatchOptions& options);
  /// Tiles of tensor cores' liking: products of 16 MB stay in a GPU's second cache, slices of a
  /// block take 6 GB. Its answers are this object's.
  MatchTask task();
  Matches answer() && { return std::move(matches_); }

 private:
  ScoreInput input_;
  std::vector<float> rotation_, typical_;
  Index kept_;
  Matches matches_;
};

/// match_near() for a device.
class NearInput {
 public:
  NearInput(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
            std::span<const Quaternion> start, Index starts, std::span<const Quaternion> turns,
            const MatchOptions& options);
  /// Its answers are this object's.
  NearTask task();
  /// What task() found.
  LocalMatches answer() const;

 private:
  ScoreInput input_;
  const QuickGrid* quick_;
  std::span<const Quaternion> start_, turns_;
  Index starts_, top_;
  std::vector<std::int32_t> candidate_;
  std::vector<float> score_;
};

}  // namespace unfold::spi
