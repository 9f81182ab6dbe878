#include "workers/kernels/extraction/grid.h"

#include <cmath>

#include "workers/kernels/extraction/patch_rules.h"

namespace unfold::extraction {
namespace {

/// P_k(t) at each wavelength, [n_coef, n].
std::vector<double> legendre_table(const LegendreSet& set, const std::vector<double>& wavelength) {
  const std::size_t n = wavelength.size();
  std::vector<double> table(static_cast<std::size_t>(set.n_coef) * n);
  for (std::size_t i = 0; i < n; ++i) {
    const double t = 2 * (wavelength[i] - set.wave_min) / (set.wave_max - set.wave_min) - 1;
    double before = 0;
    double value = 1;
    for (int k = 0; k < set.n_coef; ++k) {
      table[static_cast<std::size_t>(k) * n + i] = value;
      const double next = ((2 * k + 1) * t * value - k * before) / (k + 1);
      before = value;
      value = next;
    }
  }
  return table;
}

/// First pixels of stamps along one axis, from trace centres.
void place(const std::vector<double>& centre, double half_size, int n_pixel, std::size_t base,
           std::vector<int>& first, std::vector<double>& offset) {
  for (std::size_t i = 0; i < centre.size(); ++i) {
    const double corner = std::floor(centre[i] - half_size);
    first[base + i] = first_pixel(corner, n_pixel);
    offset[base + i] = corner - centre[i];
  }
}

}  // namespace

PaddedGrid::PaddedGrid(const PsfShape& shape, const PsfTraces& traces, const WavelengthGrid& grid,
                       int pad, int n_step)
    : pad_(pad),
      n_step_(n_step),
      n_patch_((grid.size + n_step - 1) / n_step),
      n_wave_(grid.size),
      size_(round_up(n_patch_ * n_step + 2 * pad, kStampLanes)) {
  std::vector<double> wavelength(static_cast<std::size_t>(size_));
  for (int i = 0; i < size_; ++i) {
    wavelength[static_cast<std::size_t>(i)] = grid.label(i - pad) / grid.barycentric_factor;
  }
  shape_ = legendre_table(shape.params, wavelength);
  x_ = legendre_table(traces.x, wavelength);
  y_ = legendre_table(traces.y, wavelength);
}

PaddedGrid padded_grid(const PsfShape& shape, const PsfTraces& traces, const Options& options) {
  const int pad = options.wave_pad + static_cast<int>(options.wave_pad * options.wave_pad_frac);
  const bool strips = options.mode == Mode::kStrips;
  return PaddedGrid(shape, traces, options.wavelength, pad,
                    strips ? options.wavelength.size : options.n_wave_step);
}

StampPositions locate_stamps(const PsfShape& shape, const PsfTraces& traces, const PaddedGrid& grid,
                             int first_spec, int n_spec, const KernelTable& kernels) {
  StampPositions out;
  out.n_fibre = n_spec;
  out.n_wave = grid.size();
  const std::size_t n = static_cast<std::size_t>(n_spec) * static_cast<std::size_t>(grid.size());
  out.col.resize(n);
  out.row.resize(n);
  out.offset_x.resize(n);
  out.offset_y.resize(n);
  std::vector<double> position(static_cast<std::size_t>(grid.size()));
  for (int f = 0; f < n_spec; ++f) {
    const int spec = first_spec + f;
    kernels.legendre_sum(traces.x.row(0, spec), traces.x.n_coef, grid.x_basis(), grid.size(),
                         grid.size(), position.data());
    place(position, shape.corner_x(), shape.npix_x, out.at(f, 0), out.col, out.offset_x);
    kernels.legendre_sum(traces.y.row(0, spec), traces.y.n_coef, grid.y_basis(), grid.size(),
                         grid.size(), position.data());
    place(position, shape.corner_y(), shape.npix_y, out.at(f, 0), out.row, out.offset_y);
  }
  return out;
}

}  // namespace unfold::extraction
