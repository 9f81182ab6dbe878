#include "workers/kernels/extraction/patch.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace unfold::extraction {

namespace {

bool misses_ccd(const PsfShape& shape, int col, int row) {
  return col + shape.stamp_width() <= 0 || col >= shape.npix_x || row + shape.stamp_height() <= 0 ||
         row >= shape.npix_y;
}

}  // namespace

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
  constexpr int kHuge = std::numeric_limits<int>::max() / 2;
  int col_from = kHuge, col_to = -kHuge, from = kHuge, to = -kHuge;
  int core_from = kHuge, core_to = -kHuge;
  for (int f = 0; f < range.n_fibre; ++f) {
    for (int w = 0; w < range.n_wave; ++w) {
      const std::size_t at = positions.at(range.first_fibre + f, range.first_wave + w);
      const int col = positions.col[at], row = positions.row[at];
      col_from = std::min(col_from, col);
      col_to = std::max(col_to, col + stride);
      from = std::min(from, row);
      to = std::max(to, row + shape.stamp_height());
      if (w < range.core_wave || w >= range.core_wave + range.n_core_wave) continue;
      core_from = std::min(core_from, row);
      core_to = std::max(core_to, row + shape.stamp_height());
    }
  }
  PatchBox box;
  box.first_col = col_from;
  box.n_col = round_up(col_to - col_from, kVectorPad);
  box.first_row = from;
  box.n_row = to - from;
  box.used_from = from + static_cast<int>((core_from - from) * (1 - pixel_pad_frac));
  box.used_to = from + static_cast<int>((core_to - from) + (to - core_to) * pixel_pad_frac);
  return box;
}

int half_bandwidth(const Bins& bins) {
  int reach = 0;
  for (int s = 0; s < bins.n_fibre; ++s) {
    for (int t = 0; t < bins.n_fibre; ++t) {
      int later = 0;
      for (int w = 0; w < bins.n_wave; ++w) {
        const int k = w * bins.n_fibre + s;
        if (bins.stamp[k] == bins.empty) continue;
        if (std::abs(bins.col[w * bins.n_fibre + t] - bins.col[k]) >= bins.width + bins.height)
          continue;
        later = std::max(later, w);
        while (later + 1 < bins.n_wave &&
               bins.row[(later + 1) * bins.n_fibre + t] - bins.row[k] < bins.height) {
          ++later;
        }
        reach = std::max(reach, (later - w) * bins.n_fibre + t - s);
      }
    }
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
  constexpr double kLargest = std::numeric_limits<float>::max();
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
      const double v = static_cast<double>(values[col]), w = static_cast<double>(weights[col]);
      const bool good = (w > 0) & (w <= kLargest) & (std::fabs(v) <= kLargest);  // false for NaN
      const std::ptrdiff_t at = line + (col - box.first_col);
      value[at] = good ? v : 0;
      weight[at] = good ? w : 0;
      bad[at] = good ? 0 : 1;
      n_bad += good ? 0 : 1;
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
  const bool at_edge = box.used_from < 0 || box.used_to > shape.npix_y;
  std::size_t k = 0;
  for (int w = range.first_wave; w < range.first_wave + range.n_wave; ++w) {
    for (int f = range.first_fibre; f < range.first_fibre + range.n_fibre; ++f, ++k) {
      const std::size_t at = positions.at(f, w);
      const double centre = positions.row[at] - positions.offset_y[at];
      const bool off = centre < -0.5 || centre > shape.npix_y - 0.5;
      const bool drop = (at_edge && off) || misses_ccd(shape, positions.col[at], positions.row[at]);
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
