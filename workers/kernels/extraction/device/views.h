#pragma once

#include <math.h>

#include "workers/compute/block.h"
#include "workers/kernels/extraction/device/frame_job.h"

/// What the kernels of an extraction read, in device memory.
namespace unfold::extraction::device {

using compute::Index;

/// Where stamps lie, [n_fibre, n_grid] each.
struct Positions {
  int n_grid = 0;
  int *col = nullptr, *row = nullptr;
  double *offset_x = nullptr, *offset_y = nullptr;
};

/// Places all stamps: one index per fibre and wave of the padded grid.
struct PlaceStamp {
  PsfTable psf;
  SeriesTable x, y;
  Positions out;

  UNFOLD_HD static double corner(const SeriesTable& series, Index fibre, Index wave, int n_grid,
                                 double half, double& offset) {
    double centre = 0;
    for (int k = 0; k < series.n_coef; ++k) {
      centre += series.coef[fibre * series.n_coef + k] * series.basis[k * Index{n_grid} + wave];
    }
    const double first = ::floor(centre - half);
    offset = first - centre;
    return first;
  }
  UNFOLD_HD void operator()(Index i) const {
    const Index fibre = i / out.n_grid, wave = i % out.n_grid;
    out.col[i] =
        first_pixel(corner(x, fibre, wave, out.n_grid, psf.half_x, out.offset_x[i]), psf.npix_x);
    out.row[i] =
        first_pixel(corner(y, fibre, wave, out.n_grid, psf.half_y, out.offset_y[i]), psf.npix_y);
  }
};

/// What PlanPatches finds out about a patch.
struct PatchState {
  PatchBox box;
  int half_band;
  int any_bad;  ///< whether a used pixel has no weight
};

/// The CCD frame.
struct Frame {
  int npix_x, npix_y;
  const float *image, *ivar;

  /// As a patch sees the pixel.
  UNFOLD_HD PatchPixel pixel(const PatchBox& box, int row, int col) const {
    if (row < box.used_from || row >= box.used_to) return {0, 0, 0};
    if (row < 0 || row >= npix_y || col < 0 || col >= npix_x) return {0, 0, 1};
    const Index at = Index{row} * npix_x + col;
    return pixel_of(image[at], ivar[at]);
  }
};

/// Patches of one batch. A batch's arrays have one slot a patch; a kernel does the slots listed.
struct PatchSet {
  const PatchJob* job = nullptr;      ///< [slots]
  const PatchState* state = nullptr;  ///< [slots]
  const int* slots = nullptr;         ///< [n]
  int n = 0;
};

/// The bins of one patch: bin k = wave * n_fibre + fibre.
struct PatchView {
  PatchRange range;
  PatchBox box;
  Positions positions;
  DropRule drop;
  Index first;  ///< of the positions: of the patch's first fibre and wave
  int n_fibre, n_wave, width, height;

  UNFOLD_HD PatchView(const PatchJob& job, const PatchBox& around, const Positions& all,
                      const PsfTable& psf)
      : range(job.range),
        box(around),
        positions(all),
        drop(psf.width, psf.height, psf.npix_x, psf.npix_y, around),
        first(Index{job.bundle_fibre + job.range.first_fibre} * all.n_grid + job.range.first_wave),
        n_fibre(job.range.n_fibre),
        n_wave(job.range.n_wave),
        width(psf.width),
        height(psf.height) {}

  UNFOLD_HD Index at(int fibre, int wave) const {
    return first + Index{fibre} * positions.n_grid + wave;
  }
  UNFOLD_HD int col_of(int fibre, int wave) const { return positions.col[at(fibre, wave)]; }
  UNFOLD_HD int row_of(int fibre, int wave) const { return positions.row[at(fibre, wave)]; }
  UNFOLD_HD bool dropped_of(int fibre, int wave) const {
    const Index i = at(fibre, wave);
    return drop(positions.col[i], positions.row[i], positions.offset_y[i]);
  }
  UNFOLD_HD int col(int k) const { return col_of(k % n_fibre, k / n_fibre); }
  UNFOLD_HD int row(int k) const { return row_of(k % n_fibre, k / n_fibre); }
  UNFOLD_HD bool dropped(int k) const { return dropped_of(k % n_fibre, k / n_fibre); }
};

/// Stamps of all fibres and waves, [n_fibre, height * width, n_grid]: neighbouring threads have
/// neighbouring waves.
struct Stamps {
  int n_grid = 0, n_pixel = 0;
  double* data = nullptr;

  /// Pixel p of the stamp is at [p * n_grid].
  UNFOLD_HD double* of(const PatchView& patch, int fibre, int wave) const {
    const Index f = patch.first / n_grid + fibre, w = patch.first % n_grid + wave;
    return data + f * n_pixel * n_grid + w;
  }
};

/// How a batch's arrays are laid out: the largest of each size over its patches.
struct Layout {
  int n_fibre = 0, n_wave = 0, n_core = 0, n_core_wave = 0;
  int half_band = 0;
  int n_row = 0, n_col = 0;  ///< of boxes
  int n_pixel = 0;           ///< of a stamp
  int n_diag = 0;

  UNFOLD_HD int n_bin() const { return n_fibre * n_wave; }
  /// Of a row of the band: M(k, k + d) at d <= half_band, then kPanel zeros.
  UNFOLD_HD int band_stride() const { return half_band + 1 + kPanel; }
  UNFOLD_HD Index band() const { return Index{n_bin()} * band_stride(); }
  UNFOLD_HD Index weighted() const { return Index{n_bin()} * n_pixel; }
  UNFOLD_HD Index pixels() const { return Index{n_row} * n_col; }
  /// Values of a row of the root: Q 1, Q flux, and n_diag + 1 of Q's upper band.
  UNFOLD_HD int n_value() const { return n_diag + 3; }

  static constexpr int kPanel = 8;  ///< rows that are factored together
};

}  // namespace unfold::extraction::device
