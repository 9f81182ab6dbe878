#pragma once

#include <limits>
#include <span>
#include <vector>

#include "workers/kernels/spi/best_list.h"
#include "workers/kernels/spi/frame_batches.h"
#include "workers/kernels/spi/reference_panels.h"

namespace unfold::spi {

/// Frames of a tile: at most this many panels of rows.
inline constexpr Index kTileRowPanels = 16;

/// A reference by its single-precision product; `exact` follows.
struct Screened : Candidate {
  float exact = -std::numeric_limits<float>::infinity();
};

/// Some frames of a batch against a block of references, on one thread.
class TileMatching {
 public:
  TileMatching(compute::Cpu& cpu, const PatternSet& frames, const Scoring& scoring,
               const ProductKernels& kernels);

  /// At most kTileRowPanels x rows `members`.
  /// `best` [frames, kept]: the best so far, whose places from `first` on are looked for and
  /// scored exactly here.
  void run(std::span<const Index> members, bool listed, const ScreenForm& form,
           const ReferencePanels& panels, Index first, std::span<Screened> best, Index kept);

 private:
  void read(std::span<const Index> members, bool listed, const ScreenForm& form);
  void pack(Index row_panel);
  void products(const ReferencePanels& panels, Index panel, Index count, bool listed);
  void select(const ReferencePanels& panels, Index panel, Index count, Index first,
              std::span<Screened> best, Index kept);

  const PatternSet* set_;
  const Scoring* scoring_;
  const ProductKernels* kernels_;
  Index row_panels_ = 0;
  std::vector<float> row_;
  std::vector<ScoredFrame> frames_;
  Floats packed_;  ///< [row panels][P', rows]
  std::vector<float> factor_, threshold_;
  std::vector<Hit> hits_;
  Floats products_;
};

}  // namespace unfold::spi
