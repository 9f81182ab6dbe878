#pragma once

#include "workers/kernels/extraction/device/views.h"

/// The model of a patch and the chi2 of the pixels that each bin sees.
namespace unfold::extraction::device {

struct WaveSpan {
  int first, last;
  int from_col, to_col;  ///< columns of the box that their stamps cover
};

/// Waves of each fibre whose stamps cover a row of the patch's box; none where first > last. A
/// block per patch.
struct CoverRows {
  static constexpr int kThreads = 256;
  PatchSet patches;
  Layout layout;
  PsfTable psf;
  Positions positions;
  WaveSpan* out;  ///< [slots, n_fibre, n_row]

  Index blocks() const { return patches.n; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index()];
    const PatchView view(patches.job[slot], patches.state[slot].box, positions, psf);
    WaveSpan* spans = out + Index{slot} * layout.n_fibre * layout.n_row;
    block.for_each(Index{view.n_fibre} * view.box.n_row, [&](Index i) {
      const int fibre = static_cast<int>(i) / view.box.n_row;
      const int row = static_cast<int>(i) % view.box.n_row;
      WaveSpan span{view.n_wave, -1, view.box.n_col, 0};
      for (int w = 0; w < view.n_wave; ++w) {
        const int from = view.row_of(fibre, w) - view.box.first_row;
        if (row < from || row >= from + view.height) continue;
        span.first = w < span.first ? w : span.first;
        span.last = w;
        const int col = view.col_of(fibre, w) - view.box.first_col, end = col + view.width;
        span.from_col = col < span.from_col ? col : span.from_col;
        span.to_col = end > span.to_col ? end : span.to_col;
      }
      spans[fibre * layout.n_row + row] = span;
    });
  }
};

/// chi2 of each pixel of the box with errors of noise and of psf_error of the model; -1 where a
/// pixel has no weight. A block per patch; a thread sums the some 20 stamps on its pixel.
/// Neighbouring threads have neighbouring rows: these see the same fibres, at neighbouring waves.
struct PixelChi2 {
  static constexpr int kThreads = 256;
  PatchSet patches;
  Layout layout;
  PsfTable psf;
  Positions positions;
  Frame frame;
  Stamps stamps;
  const WaveSpan* spans;  ///< [slots, n_fibre, n_row]
  const double* flux;     ///< [slots, n_bin]
  double psf_error;
  double* chi2;  ///< [slots, n_col, n_row]

  Index blocks() const { return patches.n; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index()];
    const PatchView view(patches.job[slot], patches.state[slot].box, positions, psf);
    const PatchBox& box = view.box;
    double* out = chi2 + slot * layout.pixels();
    block.for_each(Index{box.n_row} * box.n_col, [&](Index i) {
      const int col = static_cast<int>(i) / box.n_row, row = static_cast<int>(i) % box.n_row;
      const PatchPixel pixel = frame.pixel(box, box.first_row + row, box.first_col + col);
      out[col * layout.n_row + row] = pixel.good() ? chi2_of(view, slot, pixel, row, col) : -1;
    });
  }

 private:
  UNFOLD_DEVICE double chi2_of(const PatchView& view, int slot, const PatchPixel& pixel, int row,
                               int col) const {
    const double model = model_of(view, slot, row, col);
    const double error = model * psf_error + 1e-32, residual = pixel.value - model;
    return residual * residual * (pixel.weight / (1 + pixel.weight * error * error));
  }

  UNFOLD_DEVICE double model_of(const PatchView& view, int slot, int row, int col) const {
    const double* f = flux + Index{slot} * layout.n_bin();
    double model = 0;
    for (int fibre = 0; fibre < view.n_fibre; ++fibre) {
      const WaveSpan span = spans[(Index{slot} * layout.n_fibre + fibre) * layout.n_row + row];
      if (col < span.from_col || col >= span.to_col) continue;
      for (int w = span.first; w <= span.last; ++w) {
        const int c = col + view.box.first_col - view.col_of(fibre, w);
        const int r = row + view.box.first_row - view.row_of(fibre, w);
        if (c < 0 || c >= view.width || r < 0 || r >= view.height || view.dropped_of(fibre, w)) {
          continue;
        }
        model += f[w * view.n_fibre + fibre] *
                 stamps.of(view, fibre, w)[Index{r * view.width + c} * stamps.n_grid];
      }
    }
    return model;
  }
};

/// Mean chi2 of the pixels that a core bin sees, weighted with its stamp: an index per patch, core
/// fibre and core wave.
struct BinChi2 {
  PatchSet patches;
  Layout layout;
  PsfTable psf;
  Positions positions;
  Stamps stamps;
  const double* chi2;  ///< [slots, n_col, n_row]
  double* out;         ///< [slots, n_core, n_core_wave]

  Index size() const { return Index{patches.n} * layout.n_core * layout.n_core_wave; }

  UNFOLD_HD void operator()(Index i) const {
    const int w = static_cast<int>(i % layout.n_core_wave);
    const int core = static_cast<int>(i / layout.n_core_wave % layout.n_core);
    const int slot = patches.slots[i / layout.n_core_wave / layout.n_core];
    const PatchView view(patches.job[slot], patches.state[slot].box, positions, psf);
    const int fibre = view.range.core_fibre + core, wave = view.range.core_wave + w;
    const int row = view.row_of(fibre, wave) - view.box.first_row;
    const int col = view.col_of(fibre, wave) - view.box.first_col;
    const double* stamp = stamps.of(view, fibre, wave);
    const double* pixel = chi2 + slot * layout.pixels() + col * layout.n_row + row;
    double total = 0, used = 0;
    for (int r = 0; r < view.height; ++r) {
      for (int c = 0; c < view.width; ++c, stamp += stamps.n_grid) {
        const double value = pixel[c * layout.n_row + r];
        if (value < 0) continue;
        total += *stamp * value;
        used += *stamp;
      }
    }
    const bool some = used > 0 && !view.dropped_of(fibre, wave);
    out[(Index{slot} * layout.n_core + core) * layout.n_core_wave + w] = some ? total / used : 0;
  }
};

}  // namespace unfold::extraction::device
