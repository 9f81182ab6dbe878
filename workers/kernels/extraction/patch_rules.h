#pragma once

#include <cstdint>
#include <limits>

#include "workers/compute/view.h"
#include "workers/kernels/extraction/kernels.h"

/// What a patch is made of, and the rules for its pixels and bins: one text for host threads and
/// for any device.
namespace unfold::extraction {

/// Fibres (counted within the bundle) and waves (counted in the padded grid) of one patch: the core
/// that is kept, and the padding that is solved with it and thrown away.
struct PatchRange {
  int first_fibre = 0, n_fibre = 0;    ///< with padding
  int core_fibre = 0, n_core = 0;      ///< core_fibre counts from first_fibre
  int first_wave = 0, n_wave = 0;      ///< with padding
  int core_wave = 0, n_core_wave = 0;  ///< core_wave counts from first_wave
  int n_keep = 0;                      ///< core waves inside the asked range
  UNFOLD_HD int size() const { return n_fibre * n_wave; }
};

/// Pixels of a patch on the CCD; may reach past its edges.
struct PatchBox {
  int first_col = 0, n_col = 0;    ///< n_col: a multiple of kVectorPad
  int first_row = 0, n_row = 0;    ///< all stamps, padding included
  int used_from = 0, used_to = 0;  ///< rows with weight: the padding bins' rows count in part
};

/// Bits of Spectra::flags.
enum BinFlag : std::uint8_t {
  kNoWeight = 1,  ///< no unmasked pixel sees the bin: flux, ivar and resolution are 0
  kOffCcd = 2,    ///< the bin's light falls off the CCD (implies kNoWeight)
};

/// Bins with less than this share of the patch's largest flux weight have no weight.
inline constexpr double kNoWeightShare = 1e-6;

/// S is cut at the first half width of kReaches where its factor has fallen below this.
inline constexpr double kReachTolerance = 3e-7;

/// Regularisation of the reference: bins below this share of the largest flux weight get a weak
/// prior flux = 0.
inline constexpr double kWeakShare = 1e-4;
inline constexpr double kTinyPrior = 1e-15;

/// What a bin's prior adds to the diagonal of the normal equations.
UNFOLD_HD inline double prior_of(double flux_weight, double largest_weight, double regularize) {
  const double weak = kWeakShare * largest_weight;
  const double alpha = flux_weight < weak ? weak - flux_weight : regularize;
  return alpha * alpha + kTinyPrior;
}

/// Stamps that lie far off the CCD are moved to kFarOff pixels from it: they have no weight
/// anywhere, and boxes around them stay small.
inline constexpr int kFarOff = 256;

/// First pixel of a stamp along one axis, from `corner` = floor(trace centre - half size).
UNFOLD_HD inline int first_pixel(double corner, int n_pixel) {
  const double low = -kFarOff, high = n_pixel + kFarOff;
  return static_cast<int>(corner < low ? low : corner > high ? high : corner);
}

struct Extents {
  int from = std::numeric_limits<int>::max() / 2, to = -(std::numeric_limits<int>::max() / 2);
  UNFOLD_HD void add(int first, int end) {
    from = first < from ? first : from;
    to = end > to ? end : to;
  }
};

/// The box around stamps whose columns, rows and rows of core bins are given.
UNFOLD_HD inline PatchBox box_around(const Extents& col, const Extents& row, const Extents& core,
                                     double pixel_pad_frac) {
  PatchBox box;
  box.first_col = col.from;
  box.n_col = round_up(col.to - col.from, kVectorPad);
  box.first_row = row.from;
  box.n_row = row.to - row.from;
  box.used_from = row.from + static_cast<int>((core.from - row.from) * (1 - pixel_pad_frac));
  box.used_to =
      row.from + static_cast<int>((core.to - row.from) + (row.to - core.to) * pixel_pad_frac);
  return box;
}

/// One pixel as a patch sees it.
struct PatchPixel {
  double value, weight, bad;
  UNFOLD_HD bool good() const { return weight > 0; }
};

/// Of a used row on the CCD: masked or not finite has no weight.
UNFOLD_HD inline PatchPixel pixel_of(float value, float ivar) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const double v = static_cast<double>(value), w = static_cast<double>(ivar);
  const bool good =
      (w > 0) & (w <= kLargest) & (v <= kLargest) & (v >= -kLargest);  // false for NaN
  return {good ? v : 0, good ? w : 0, good ? 0.0 : 1.0};
}

/// Whether an input pixel is as a frame should have it: finite, with no negative ivar.
UNFOLD_HD inline bool good_input(float value, float ivar) {
  constexpr float kLargest = std::numeric_limits<float>::max();  // comparisons with NaN are false
  return (value <= kLargest) & (value >= -kLargest) & (ivar >= 0) & (ivar <= kLargest);
}

/// Whether the bin whose stamp starts at (col, row), `offset_y` from its trace centre, gets an
/// empty stamp. Where the used rows leave the CCD, bins centred off it do, as specter gives them:
/// too little of their light is seen to tell it from their neighbours'. Elsewhere every bin is
/// solved, as gpu_specter does, but those that miss the CCD.
struct DropRule {
  int width, height, npix_x, npix_y;
  bool at_edge;  ///< of the patch
  DropRule() = default;
  UNFOLD_HD DropRule(int stamp_width, int stamp_height, int columns, int rows, const PatchBox& box)
      : width(stamp_width),
        height(stamp_height),
        npix_x(columns),
        npix_y(rows),
        at_edge(box.used_from < 0 || box.used_to > rows) {}
  UNFOLD_HD bool operator()(int col, int row, double offset_y) const {
    const double centre = row - offset_y;
    const bool off = centre < -0.5 || centre > npix_y - 0.5;
    return (at_edge && off) || col + width <= 0 || col >= npix_x || row + height <= 0 ||
           row >= npix_y;
  }
};

/// Whether two stamps share a pixel, from the distances of their first ones.
UNFOLD_HD inline bool overlap(int apart_x, int apart_y, int width, int height) {
  return apart_x < width && -apart_x < width && apart_y < height && -apart_y < height;
}

/// Bins from fibre s at any wave to the farthest later one of fibre t that may share a pixel, in
/// wave-major order; bins that no pixel sees overlap none. `Bins` gives n_fibre, n_wave, width,
/// height, and col(k), row(k), dropped(k).
template <class Bins>
UNFOLD_HD int band_reach(const Bins& bins, int s, int t) {
  int reach = 0, later = 0;
  for (int w = 0; w < bins.n_wave; ++w) {
    const int k = w * bins.n_fibre + s;
    if (bins.dropped(k)) continue;
    const int apart = bins.col(w * bins.n_fibre + t) - bins.col(k), far = bins.width + bins.height;
    if (apart >= far || -apart >= far) continue;
    later = later > w ? later : w;
    while (later + 1 < bins.n_wave &&
           bins.row((later + 1) * bins.n_fibre + t) - bins.row(k) < bins.height) {
      ++later;
    }
    const int now = (later - w) * bins.n_fibre + t - s;
    reach = now > reach ? now : reach;
  }
  return reach;
}

}  // namespace unfold::extraction
