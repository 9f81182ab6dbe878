#pragma once

#include <vector>

#include "workers/kernels/extraction/patch_rules.h"
#include "workers/kernels/extraction/stamps.h"

namespace unfold::extraction {

/// Patch `step` along wavelength of subbundle `sub`: one neighbour fibre on each side inside the
/// bundle, grid.pad() waves on each side.
PatchRange patch_range(const Options& options, const PaddedGrid& grid, int sub, int step);

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

/// Bins with their stamps and pixel positions; those that DropRule drops get an empty stamp.
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
