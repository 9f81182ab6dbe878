#pragma once

#include <initializer_list>

#include "workers/kernels/extraction/device/views.h"
#include "workers/kernels/extraction/stamp_functor.h"

namespace unfold::extraction::device {

/// Stamps of all fibres and waves: cores, tail, clipped at 0 and normalised to sum 1. A block makes
/// `lanes` neighbouring waves of one fibre, in two stages (first along x for each degree in y), on
/// integrals that it shares: 2.1 k multiply-adds and 30 error functions a stamp of 17 x 11 pixels
/// and degree 6. Each stamp is written, read and written once more.
struct MakeStamps {
  static constexpr int kThreads = 128;
  PsfTable psf;
  const double* basis;  ///< [n_coef, n_grid]
  Positions positions;
  int first_spec, n_fibre;
  bool tails;
  int lanes;  ///< 32, 16 or 8: what the shared memory allows (most_lanes)
  Stamps out;

  Index blocks() const { return Index{n_fibre} * groups(); }
  std::size_t shared_bytes() const { return shared_bytes(lanes); }
  /// 0 where no count fits.
  int most_lanes() const {
    for (const int n : {32, 16, 8}) {
      if (shared_bytes(n) <= compute::kMostShared) return n;
    }
    return 0;
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    Shared s;
    s.fibre = static_cast<int>(block.index()) / groups();
    s.wave = static_cast<int>(block.index()) % groups() * lanes;
    s.parameter = block.template shared<double>(psf.n_row * lanes);
    s.edge = block.template shared<double>(edges() * lanes);
    s.x = block.template shared<double>((degree_x() + 1) * psf.width * lanes);
    s.y = block.template shared<double>((degree_y() + 1) * psf.height * lanes);
    s.partial = block.template shared<double>(kThreads);
    block.for_each(psf.n_row * lanes, [&](Index i) { s.parameter[i] = parameter(s, i); });
    block.each_thread([&](int t) { s.partial[t] = 0; });
    const bool second = psf.degree2_x >= 0;
    add_core(block, s, {kSigmaX, kSigmaY, kFirstGh, psf.degree_x, psf.degree_y, true, !second});
    if (second) {
      const int first = kFirstGh + (psf.degree_x + 1) * (psf.degree_y + 1);
      add_core(block, s, {kSigma2X, kSigma2Y, first, psf.degree2_x, psf.degree2_y, false, true});
    }
    normalise(block, s);
  }

 private:
  struct Shared {
    int fibre, wave;
    double *parameter, *edge, *x, *y, *partial;
  };
  struct Core {
    int sigma_x, sigma_y, first_row, degree_x, degree_y;
    bool first, last;
  };

  UNFOLD_HD int groups() const { return (out.n_grid + lanes - 1) / lanes; }
  UNFOLD_HD static int larger(int a, int b) { return a > b ? a : b; }
  UNFOLD_HD int degree_x() const { return larger(psf.degree_x, psf.degree2_x); }
  UNFOLD_HD int degree_y() const { return larger(psf.degree_y, psf.degree2_y); }
  /// Of one axis, or later of the sums along x.
  UNFOLD_HD int edges() const {
    const int x = (degree_x() + 1) * (psf.width + 1), y = (degree_y() + 1) * (psf.height + 1);
    return larger(larger(x, y), (degree_y() + 1) * psf.width);
  }
  std::size_t shared_bytes(int n) const {
    return compute::shared_size<double>(psf.n_row * n) + compute::shared_size<double>(edges() * n) +
           compute::shared_size<double>((degree_x() + 1) * psf.width * n) +
           compute::shared_size<double>((degree_y() + 1) * psf.height * n) +
           compute::shared_size<double>(kThreads);
  }
  /// Waves past the grid's end repeat its last.
  UNFOLD_DEVICE int wave_of(const Shared& s, int lane) const {
    return s.wave + lane < out.n_grid ? s.wave + lane : out.n_grid - 1;
  }
  UNFOLD_DEVICE double parameter(const Shared& s, Index i) const {
    const int row = static_cast<int>(i) / lanes, wave = wave_of(s, static_cast<int>(i) % lanes);
    const double* coef = psf.coef + (Index{row} * psf.n_spec + first_spec + s.fibre) * psf.n_coef;
    double value = 0;
    for (int k = 0; k < psf.n_coef; ++k) value += coef[k] * basis[Index{k} * out.n_grid + wave];
    return value;
  }

  /// Integrals over pixels, [degree + 1, n, lanes].
  template <class Block>
  UNFOLD_DEVICE void integrate(Block& block, const Shared& s, const double* offset, int sigma,
                               int n, int degree, double* to) const {
    block.for_each((n + 1) * lanes, [&](Index i) {
      const int lane = static_cast<int>(i) % lanes, edge = static_cast<int>(i) / lanes;
      const Index at = Index{s.fibre} * out.n_grid + wave_of(s, lane);
      const double u = (offset[at] + edge - 0.5) / s.parameter[sigma * lanes + lane];
      gauss_hermite_edge(u, degree, s.edge + i, (n + 1) * lanes);
    });
    block.for_each((degree + 1) * n * lanes, [&](Index i) {
      const int row = n * lanes, m = static_cast<int>(i) / row, rest = static_cast<int>(i) % row;
      const double* edge = s.edge + m * (row + lanes) + rest;
      to[i] = edge[lanes] - edge[0];
    });
  }

  template <class Block>
  UNFOLD_DEVICE void add_core(Block& block, const Shared& s, const Core& core) const {
    integrate(block, s, positions.offset_x, core.sigma_x, psf.width, core.degree_x, s.x);
    integrate(block, s, positions.offset_y, core.sigma_y, psf.height, core.degree_y, s.y);
    double* along_x = s.edge;  // [degree_y + 1, width, lanes]
    const int row = psf.width * lanes;
    block.for_each((core.degree_y + 1) * row, [&](Index i) {
      const int j = static_cast<int>(i) / row, rest = static_cast<int>(i) % row;
      const double* gh = s.parameter + (core.first_row + j) * lanes + rest % lanes;
      double total = 0;
      for (int m = 0; m <= core.degree_x; ++m) {
        total += gh[m * (core.degree_y + 1) * lanes] * s.x[m * row + rest];
      }
      along_x[i] = total;
    });
    block.for_each(row, [&](Index i, int thread) {
      add_column(s, core, static_cast<int>(i) / lanes, static_cast<int>(i) % lanes, thread);
    });
  }

  /// Column k of a lane's stamp. Its sum joins the thread's, whose lane is always the same.
  UNFOLD_DEVICE void add_column(const Shared& s, const Core& core, int k, int lane,
                                int thread) const {
    const int wave = s.wave + lane;
    if (wave >= out.n_grid) return;
    const double* along_x = s.edge + k * lanes + lane;
    double* pixel = out.data + (Index{s.fibre} * out.n_pixel + k) * out.n_grid + wave;
    for (int r = 0; r < psf.height; ++r, pixel += Index{psf.width} * out.n_grid) {
      double value = core.first ? 0 : *pixel;
      for (int j = 0; j <= core.degree_y; ++j) {
        value += s.y[(j * psf.height + r) * lanes + lane] * along_x[j * psf.width * lanes];
      }
      if (!core.last) {
        value = inside_core(s, k, r, lane) ? value : 0;
      } else {
        if (tails) value += tail(s, k, r, lane);
        value = value > 0 ? value : 0;
        s.partial[thread] += value;
      }
      *pixel = value;
    }
  }

  UNFOLD_DEVICE bool inside_core(const Shared& s, int k, int r, int lane) const {
    const Index at = Index{s.fibre} * out.n_grid + s.wave + lane;
    const double dx = (positions.offset_x[at] + k) / s.parameter[kSigmaX * lanes + lane];
    const double dy = (positions.offset_y[at] + r) / s.parameter[kSigmaY * lanes + lane];
    const double radius = s.parameter[kCoreRadius * lanes + lane];
    return dx * dx + dy * dy < radius * radius;
  }

  /// amplitude r2 / (core^2 + r2)^(1 + index / 2), sampled at the pixel's centre.
  UNFOLD_DEVICE double tail(const Shared& s, int k, int r, int lane) const {
    const double* p = s.parameter + lane;
    const double amplitude = p[kTailAmplitude * lanes], core = p[kTailCore * lanes];
    const Index at = Index{s.fibre} * out.n_grid + s.wave + lane;
    const double dx = (positions.offset_x[at] + k) * p[kTailScaleX * lanes];
    const double dy = (positions.offset_y[at] + r) * p[kTailScaleY * lanes];
    const double r2 = dx * dx + dy * dy;
    if (amplitude == 0 || !(r2 > 0)) return 0;
    return amplitude * r2 * ::pow(core * core + r2, -1 - 0.5 * p[kTailIndex * lanes]);
  }

  template <class Block>
  UNFOLD_DEVICE void normalise(Block& block, const Shared& s) const {
    double* scale = s.y;
    block.for_each(lanes, [&](Index lane) {
      double total = 0;
      for (Index t = lane; t < kThreads; t += lanes) total += s.partial[t];
      scale[lane] = total > 0 ? 1 / total : 0;
    });
    block.for_each(psf.width * lanes, [&](Index i) {
      const int k = static_cast<int>(i) / lanes, lane = static_cast<int>(i) % lanes;
      if (s.wave + lane >= out.n_grid) return;
      double* pixel = out.data + (Index{s.fibre} * out.n_pixel + k) * out.n_grid + s.wave + lane;
      for (int r = 0; r < psf.height; ++r, pixel += Index{psf.width} * out.n_grid) {
        *pixel *= scale[lane];
      }
    });
  }
};

}  // namespace unfold::extraction::device
