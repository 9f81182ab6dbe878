#pragma once

#include <cstdint>

#include "workers/compute/view.h"
#include "workers/kernels/spi/kernels.h"

/// What single-particle matching on a device is told: plain numbers and pointers to host memory,
/// which also cross the CUDA module's border (workers/cuda/spi_border.h).
namespace unfold::spi {

using compute::Index;

/// N frames of P pixels as PatternSet holds them: one of counts [N, P], values [N, P], or lists.
/// A list's pixels ascend: none comes twice.
struct FramesTask {
  Index frames;
  Index pixels;
  const std::uint16_t* counts;
  const float* values;
  const Index* first;          ///< [N + 1]
  const std::uint32_t* pixel;  ///< [first[N]]
  const float* count;          ///< [first[N]]
};

/// A grid that slices are cut from: nufft::FineGrid.
struct GridTask {
  const float* cells;
  Index size;  ///< cells, all of them
  Index n[3];  ///< cells a turn
  Index plane, row;
  int width;            ///< of the window
  const float* window;  ///< [nufft::degree_of(width) + 1, width], highest power first
};

/// How frames are scored (matching.h has the formulas), at P' chosen pixels.
struct ScoreTask {
  TermKind kind;
  Index size;                  ///< P'
  const std::uint32_t* pixel;  ///< [P'] of the detector, ascending
  const float* position;       ///< [P', 3] radians
  const float* correction;     ///< [P']
  const float* background;     ///< [P'] or null
  const double* fluence;       ///< [N], or null: profiled where there is a background
  double dark;                 ///< sum of the background
  float floor;                 ///< of slices, kModelFloor of the model's largest value
  double scale;                ///< of slices, euclid only
};

/// All frames against J references.
struct MatchTask {
  ScoreTask score;
  GridTask grid;
  const float* rotation;  ///< [J, 9] matrices, row-major
  Index references;       ///< J
  const float* typical;   ///< [T, 9]: slices that stand for all of the model
  Index typicals;         ///< T
  Index top;              ///< candidates kept a frame
  Index kept;             ///< of them and doubtful ones, scored exactly; at most kMostKept
  Index tile_frames;      ///< of one product, and its references
  Index tile_references;
  Index block_references;   ///< whose slices are held at once
  std::int32_t* reference;  ///< [N, top], -1: none; best first
  float* best;              ///< [N, top] their exact scores
};

/// Each frame near its own orientations (match_near()).
struct NearTask {
  ScoreTask score;
  GridTask grid;
  const std::uint16_t* quick;  ///< [quick_side^3] QuickGrid's cells, quick_n around
  Index quick_n, quick_side;
  const double* start;  ///< [N, starts, 4] quaternions
  Index starts;
  const double* turn;  ///< [turns, 4]
  Index turns;
  Index top, kept;
  std::int32_t* candidate;  ///< [N, top] start x turns + turn, -1: none; best first
  float* best;              ///< [N, top] exact scores
};

inline constexpr int kMostKept = 32;     // a warp's lanes
inline constexpr int kWidestSlice = 10;  // cells of a grid's window

}  // namespace unfold::spi
