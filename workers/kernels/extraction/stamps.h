#pragma once

#include "workers/kernels/extraction/grid.h"
#include "workers/kernels/extraction/scratch.h"

namespace unfold::extraction {

/// Stamps of a few fibres at a window of wavelengths that only moves up. Neighbouring patches share
/// most of their stamps, so each is made once per run of patches. One thread at a time.
class StampWindow {
 public:
  /// Shape, grid and positions must outlive the window; `first_fibre` counts in `positions`, whose
  /// own first fibre is spectrum `first_spec`. At least `n_wave` wavelengths are kept.
  void open(const PsfShape& shape, const PaddedGrid& grid, const StampPositions& positions,
            int first_spec, int first_fibre, int n_fibre, int n_wave, Tails tails);

  /// Makes what is missing of waves [first, end), which may not start before an earlier `first`.
  void advance(int first, int end, const KernelTable& kernels);

  /// [height, stride()] of the fibre (counted in `positions`) at a wave of the window.
  const double* stamp(int fibre, int wave) const { return slot(fibre, wave); }
  int stride() const { return stamp_stride(shape_->stamp_width()); }

 private:
  double* slot(int fibre, int wave) const;
  void make_group(int fibre, int wave, const KernelTable& kernels);

  const PsfShape* shape_ = nullptr;
  const PaddedGrid* grid_ = nullptr;
  const StampPositions* positions_ = nullptr;
  int first_spec_ = 0, first_fibre_ = 0, n_fibre_ = 0;
  int capacity_ = 0;  ///< waves
  int made_ = 0;      ///< end of the waves that were made
  Tails tails_ = Tails::kOff;
  Scratch<double> data_;  ///< [capacity, n_fibre, height, stride]
};

}  // namespace unfold::extraction
