#pragma once

#include <vector>

#include "workers/kernels/extraction/stamps.h"

namespace unfold::extraction {

/// Fibres (counted within the bundle) and waves (counted in the padded grid) of one patch: the core
/// that is kept, and the padding that is solved with it and thrown away.
struct PatchRange {
  int first_fibre = 0, n_fibre = 0;    ///< with padding
  int core_fibre = 0, n_core = 0;      ///< core_fibre counts from first_fibre
  int first_wave = 0, n_wave = 0;      ///< with padding
  int core_wave = 0, n_core_wave = 0;  ///< core_wave counts from first_wave
  int n_keep = 0;                      ///< core waves inside the asked range
  int size() const { return n_fibre * n_wave; }
};

/// Patch `step` along wavelength of subbundle `sub`: one neighbour fibre on each side inside the
/// bundle, grid.pad() waves on each side.
PatchRange patch_range(const Options& options, const PaddedGrid& grid, int sub, int step);

/// Pixels of a patch on the CCD; may reach past its edges.
struct PatchBox {
  int first_col = 0, n_col = 0;    ///< n_col: a multiple of kVectorPad
  int first_row = 0, n_row = 0;    ///< all stamps, padding included
  int used_from = 0, used_to = 0;  ///< rows with weight: the padding bins' rows count in part
};

PatchBox patch_box(const StampPositions& positions, const PatchRange& range, const PsfShape& shape,
                   int stride, double pixel_pad_frac);

/// Largest distance of two overlapping bins in wave-major order; bins that no pixel sees overlap
/// none.
int half_bandwidth(const Bins& bins);

/// Pixels of a box as doubles: weight 0 off the CCD, outside the used rows and where the frame is
/// masked or not finite.
class PatchPixels {
 public:
  void load(const FrameView& frame, const PatchBox& box);
  Pixels view() const { return {n_row_, stride_, value_.data(), weight_.data(), bad_.data()}; }
  bool any_bad() const { return any_bad_; }

 private:
  int n_row_ = 0, stride_ = 0;
  bool any_bad_ = false;
  Scratch<double> value_, weight_, bad_;
};

/// Bins with their stamps and pixel positions. Bins whose stamp misses the CCD get an empty one.
/// Where the used rows leave the CCD, bins centred off it get an empty stamp, as specter gives
/// them: too little of their light is seen to tell it from their neighbours'. Elsewhere every bin
/// is solved, as gpu_specter does.
class PatchBins {
 public:
  void fill(const StampWindow& window, const StampPositions& positions, const PatchRange& range,
            const PatchBox& box, const PsfShape& shape);
  Bins view() const;
  bool dropped(int k) const { return stamp_[static_cast<std::size_t>(k)] == empty_.data(); }

 private:
  Bins bins_{};
  std::vector<double> empty_;
  std::vector<const double*> stamp_;
  std::vector<int> col_, row_;
};

}  // namespace unfold::extraction
