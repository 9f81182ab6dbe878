#pragma once

#include "workers/kernels/extraction/device/views.h"

/// Normal equations M = A^T W A, b = A^T W p of patches.
namespace unfold::extraction::device {

/// u = W a of a patch's bins, with their sums: a block per patch and fibre, neighbouring threads
/// on neighbouring waves. Per bin 187 pixels: a stamp read, a stamp written.
struct WeighBins {
  static constexpr int kThreads = 96;
  PatchSet patches;
  Layout layout;
  PsfTable psf;
  Positions positions;
  Frame frame;
  Stamps stamps;
  double* weighted;                          ///< [slots, n_fibre, n_pixel, n_wave]
  double *rhs, *flux_weight, *bad_fraction;  ///< [slots, n_bin]

  Index blocks() const { return Index{patches.n} * layout.n_fibre; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index() / layout.n_fibre];
    const int fibre = static_cast<int>(block.index() % layout.n_fibre);
    const PatchView view(patches.job[slot], patches.state[slot].box, positions, psf);
    if (fibre >= view.n_fibre) return;
    block.for_each(view.n_wave, [&](Index w) { weigh(view, slot, fibre, static_cast<int>(w)); });
  }

 private:
  UNFOLD_DEVICE void weigh(const PatchView& view, int slot, int fibre, int wave) const {
    const int col = view.col_of(fibre, wave), row = view.row_of(fibre, wave);
    const bool dropped = view.dropped_of(fibre, wave);
    const double* stamp = stamps.of(view, fibre, wave);
    double* out =
        weighted + slot * layout.weighted() + Index{fibre} * layout.n_pixel * layout.n_wave + wave;
    double data = 0, weight = 0, bad = 0;
    for (int r = 0; r < view.height; ++r) {
      for (int c = 0; c < view.width; ++c, stamp += stamps.n_grid, out += layout.n_wave) {
        const double s = dropped ? 0 : *stamp;
        const PatchPixel pixel = frame.pixel(view.box, row + r, col + c);
        const double u = s * pixel.weight;
        *out = u;
        weight += u;
        data += u * pixel.value;
        bad += s * pixel.bad;
      }
    }
    const Index k = Index{slot} * layout.n_bin() + wave * view.n_fibre + fibre;
    rhs[k] = data;
    flux_weight[k] = weight;
    bad_fraction[k] = bad;
  }
};

/// The band of M, a block per patch and fibre f: each thread sums the pixels that bins (f, w) and
/// k + d share. Neighbouring threads have neighbouring waves, so that they read neighbours. A patch
/// of 518 bins has some 13,000 overlaps of 60 pixels on average.
struct OverlapBins {
  static constexpr int kThreads = 256;
  PatchSet patches;
  Layout layout;
  PsfTable psf;
  Positions positions;
  Stamps stamps;
  const double* weighted;
  double* band;  ///< [slots, n_bin, band_stride] M(k, k + d) at d; the rest is zeroed

  Index blocks() const { return Index{patches.n} * layout.n_fibre; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index() / layout.n_fibre];
    const int fibre = static_cast<int>(block.index() % layout.n_fibre);
    const PatchView view(patches.job[slot], patches.state[slot].box, positions, psf);
    if (fibre >= view.n_fibre) return;
    const int half_band = patches.state[slot].half_band;
    double* out = band + slot * layout.band();
    block.for_each(Index{layout.band_stride()} * view.n_wave, [&](Index i) {
      const int d = static_cast<int>(i) / view.n_wave, w = static_cast<int>(i) % view.n_wave;
      const int other = (fibre + d) % view.n_fibre, later = w + (fibre + d) / view.n_fibre;
      const bool inside = d <= half_band && later < view.n_wave;
      out[Index{w * view.n_fibre + fibre} * layout.band_stride() + d] =
          inside ? overlap_of(view, slot, fibre, w, other, later) : 0;
    });
  }

 private:
  UNFOLD_DEVICE double overlap_of(const PatchView& view, int slot, int fibre, int wave, int other,
                                  int later) const {
    const int dx = view.col_of(other, later) - view.col_of(fibre, wave);
    const int dy = view.row_of(other, later) - view.row_of(fibre, wave);
    if (!overlap(dx, dy, view.width, view.height) || view.dropped_of(other, later)) return 0;
    const int from_row = dy > 0 ? dy : 0, to_row = dy < 0 ? view.height + dy : view.height;
    const int from_col = dx > 0 ? dx : 0, to_col = dx < 0 ? view.width + dx : view.width;
    const double* u =
        weighted + slot * layout.weighted() + Index{fibre} * layout.n_pixel * layout.n_wave + wave;
    const double* a = stamps.of(view, other, later);
    const int u_step = layout.n_wave, a_step = stamps.n_grid;
    double total = 0;
    for (int r = from_row; r < to_row; ++r) {
      const double* u_row = u + (r * view.width + from_col) * u_step;
      const double* a_row = a + ((r - dy) * view.width + from_col - dx) * a_step;
      for (int c = from_col; c < to_col; ++c, u_row += u_step, a_row += a_step) {
        total += *u_row * *a_row;
      }
    }
    return total;
  }
};

}  // namespace unfold::extraction::device
