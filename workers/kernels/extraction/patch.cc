#include "workers/kernels/extraction/patch.h"

#include <algorithm>

namespace unfold::extraction {

PatchRange patch_range(const Options& options, const PaddedGrid& grid, int sub, int step) {
  const int n_core = options.bundle_size / options.n_subbundles;
  const int core = sub * n_core;
  PatchRange r;
  r.first_fibre = std::max(core - 1, 0);
  r.n_fibre = std::min(core + n_core + 1, options.bundle_size) - r.first_fibre;
  r.core_fibre = core - r.first_fibre;
  r.n_core = n_core;
  r.first_wave = step * grid.n_step();
  r.n_wave = grid.n_step() + 2 * grid.pad();
  r.core_wave = grid.pad();
  r.n_core_wave = grid.n_step();
  r.n_keep = std::min(grid.n_step(), grid.n_wave() - step * grid.n_step());
  return r;
}

PatchBox patch_box(const StampPositions& positions, const PatchRange& range, const PsfShape& shape,
                   int stride, double pixel_pad_frac) {
  Extents cols, rows, core;
  for (int f = 0; f < range.n_fibre; ++f) {
    for (int w = 0; w < range.n_wave; ++w) {
      const std::size_t at = positions.at(range.first_fibre + f, range.first_wave + w);
      const int col = positions.col[at], row = positions.row[at];
      cols.add(col, col + stride);
      rows.add(row, row + shape.stamp_height());
      if (w < range.core_wave || w >= range.core_wave + range.n_core_wave) continue;
      core.add(row, row + shape.stamp_height());
    }
  }
  return box_around(cols, rows, core, pixel_pad_frac);
}

namespace {

struct PlacedBins {
  const Bins& bins;
  int n_fibre = bins.n_fibre, n_wave = bins.n_wave, width = bins.width, height = bins.height;
  int col(int k) const { return bins.col[k]; }
  int row(int k) const { return bins.row[k]; }
  bool dropped(int k) const { return bins.stamp[k] == bins.empty; }
};

}  // namespace

int half_bandwidth(const Bins& bins) {
  const PlacedBins placed{bins};
  int reach = 0;
  for (int s = 0; s < bins.n_fibre; ++s) {
    for (int t = 0; t < bins.n_fibre; ++t) reach = std::max(reach, band_reach(placed, s, t));
  }
  return reach;
}

void PatchPixels::load(const FrameView& frame, const PatchBox& box) {
  n_row_ = box.n_row;
  stride_ = box.n_col;
  const std::size_t n = static_cast<std::size_t>(n_row_) * static_cast<std::size_t>(stride_);
  double* value = value_.reserve(n + kVectorPad);
  double* weight = weight_.reserve(n + kVectorPad);
  double* bad = bad_.reserve(n + kVectorPad);
  std::fill_n(value, n + kVectorPad, 0.0);
  std::fill_n(weight, n + kVectorPad, 0.0);
  std::fill_n(bad, n + kVectorPad, 0.0);
  const int npix_y = static_cast<int>(frame.image.extent[0]);
  const int npix_x = static_cast<int>(frame.image.extent[1]);
  const int from = std::max(box.first_col, 0), to = std::min(box.first_col + box.n_col, npix_x);
  any_bad_ = false;
  for (int row = box.used_from; row < box.used_to; ++row) {
    const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(row - box.first_row) * stride_;
    std::fill_n(bad + line, stride_, 1.0);
    if (row < 0 || row >= npix_y) {
      any_bad_ = true;
      continue;
    }
    const float* values = &frame.image(row, 0);
    const float* weights = &frame.ivar(row, 0);
    int n_bad = 0;
    for (int col = from; col < to; ++col) {
      const PatchPixel pixel = pixel_of(values[col], weights[col]);
      const std::ptrdiff_t at = line + (col - box.first_col);
      value[at] = pixel.value;
      weight[at] = pixel.weight;
      bad[at] = pixel.bad;
      n_bad += pixel.good() ? 0 : 1;
    }
    any_bad_ = any_bad_ || n_bad > 0 || box.first_col < 0 || box.first_col + box.n_col > npix_x;
  }
}

void PatchBins::fill(const StampWindow& window, const StampPositions& positions,
                     const PatchRange& range, const PatchBox& box, const PsfShape& shape) {
  const std::size_t n = static_cast<std::size_t>(range.size());
  stamp_.resize(n);
  col_.resize(n);
  row_.resize(n);
  empty_.assign(static_cast<std::size_t>(shape.stamp_height() * window.stride() + kVectorPad), 0);
  const DropRule drops(shape.stamp_width(), shape.stamp_height(), shape.npix_x, shape.npix_y, box);
  std::size_t k = 0;
  for (int w = range.first_wave; w < range.first_wave + range.n_wave; ++w) {
    for (int f = range.first_fibre; f < range.first_fibre + range.n_fibre; ++f, ++k) {
      const std::size_t at = positions.at(f, w);
      const bool drop = drops(positions.col[at], positions.row[at], positions.offset_y[at]);
      stamp_[k] = drop ? empty_.data() : window.stamp(f, w);
      col_[k] = positions.col[at] - box.first_col;
      row_[k] = positions.row[at] - box.first_row;
    }
  }
  bins_ = {.n_fibre = range.n_fibre,
           .n_wave = range.n_wave,
           .width = shape.stamp_width(),
           .height = shape.stamp_height(),
           .stride = window.stride(),
           .stamp = nullptr,
           .empty = nullptr,
           .col = nullptr,
           .row = nullptr};
}

Bins PatchBins::view() const {
  Bins bins = bins_;
  bins.stamp = stamp_.data();
  bins.empty = empty_.data();
  bins.col = col_.data();
  bins.row = row_.data();
  return bins;
}

}  // namespace unfold::extraction
