#pragma once

#include "workers/kernels/extraction/device/views.h"

namespace unfold::extraction::device {

/// A batch's covariance blocks and what is made of them: [slots, n_core, reach + 1, n_wave] each,
/// the value between waves w and w + q at [q, w].
struct BlockShape {
  int n_core, reach, n_wave;
  UNFOLD_HD Index size() const { return Index{reach + 1} * n_wave; }
  UNFOLD_HD Index at(Index slot, int core) const { return (slot * n_core + core) * size(); }
};

/// f = U^-1 y and the blocks of C = M^-1 that belong to one fibre, inside a band of `reach` waves
/// (Takahashi, Fagan and Chin 1973), a block per patch. Row k of C comes from the half_band rows
/// after it, which a ring holds, right of the diagonal only; a thread per column.
/// n half_band extent multiply-adds with extent = max(half_band, reach n_fibre), and 2 n meetings.
struct InvertBand {
  static constexpr int kThreads = 128;
  PatchSet patches;
  Layout layout;
  BlockShape shape;
  const double* band;  ///< [slots, n_bin, band_stride] U
  const double* y;     ///< [slots, n_bin]
  double* flux;        ///< [slots, n_bin] f
  double* blocks_out;  ///< C
  double* rings;       ///< [patches.n, ring_size()], or null where the ring fits into shared memory

  Index blocks() const { return patches.n; }
  std::size_t shared_bytes() const { return fixed_bytes() + (rings ? 0 : ring_bytes()); }
  bool ring_fits() const { return fixed_bytes() + ring_bytes() <= compute::kMostShared; }
  UNFOLD_HD Index ring_size() const { return Index{layout.half_band + 1} * pitch(extent(layout)); }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index()];
    const PatchRange& range = patches.job[slot].range;
    System s;
    s.n = range.size();
    s.n_fibre = range.n_fibre;
    s.core_fibre = range.core_fibre;
    s.half_band = patches.state[slot].half_band;
    const int wanted = shape.reach * s.n_fibre;
    s.extent = wanted > s.half_band ? wanted : s.half_band;
    s.pitch = pitch(s.extent);
    s.band = band + slot * layout.band();
    s.y = y + Index{slot} * layout.n_bin();
    s.flux = flux + Index{slot} * layout.n_bin();
    s.out = blocks_out + shape.at(slot, 0);
    s.u = block.template shared<double>(2 * u_size());
    s.u_size = u_size();
    s.x = block.template shared<double>(layout.half_band + 1);
    s.ring = rings != nullptr ? rings + block.index() * ring_size()
                              : block.template shared<double>(ring_size());
    const Index n_ring = Index{s.half_band + 1} * s.pitch;
    block.for_each(n_ring, [&](Index i) { s.ring[i] = 0; });
    block.for_each(s.half_band + 1, [&](Index i) { s.x[i] = 0; });
    block.for_each(s.half_band + 1, [&](Index d) { load(s, s.n - 1, static_cast<int>(d)); });
    for (int k = s.n - 1; k >= 0; --k) {
      block.for_each(s.extent, [&](Index i) { right_of_diagonal(s, k, static_cast<int>(i) + 1); });
      block.each_warp([&](const auto& warp) { finish_row(warp, s, k); });
    }
  }

 private:
  struct System {
    int n, n_fibre, core_fibre, half_band, extent, pitch;
    const double *band, *y;
    double *flux, *out;
    double* u;  ///< [2, u_size] rows k and k - 1 of U, with 1 / U(k, k) first
    int u_size;
    double* x;     ///< [half_band + 1] solutions, by row modulo half_band + 1
    double* ring;  ///< [half_band + 1, pitch] C(r, r + q) at q, by row modulo half_band + 1
    UNFOLD_HD double* row_of_u(int k) const { return u + k % 2 * u_size; }
    UNFOLD_HD int place(int row) const { return row % (half_band + 1); }
  };
  UNFOLD_HD int u_size() const { return layout.half_band + 1; }
  UNFOLD_HD int extent(const Layout& l) const {
    const int wanted = shape.reach * l.n_fibre;
    return wanted > l.half_band ? wanted : l.half_band;
  }
  /// Even: a row's next column and the next row's column before are then in other banks.
  UNFOLD_HD static int pitch(int extent) { return (extent + 2) / 2 * 2; }
  std::size_t fixed_bytes() const {
    return compute::shared_size<double>(2 * u_size()) +
           compute::shared_size<double>(layout.half_band + 1);
  }
  std::size_t ring_bytes() const { return compute::shared_size<double>(ring_size()); }

  UNFOLD_DEVICE void load(const System& s, int k, int d) const {
    const double value = s.band[Index{k} * layout.band_stride() + d];
    s.row_of_u(k)[d] = d == 0 ? 1 / value : value;
  }

  /// C(k, k + q).
  UNFOLD_DEVICE void right_of_diagonal(const System& s, int k, int q) const {
    const double* u = s.row_of_u(k);
    const int rows = s.half_band + 1;
    int place = s.place(k);
    // C(k + q, k + d) left of the diagonal, for d <= q the mirror image C(k + d, k + q).
    const int mirror = s.place(k + q) * s.pitch - q;
    double total = 0;
    for (int d = 1; d <= s.half_band; ++d) {
      place = place + 1 == rows ? 0 : place + 1;
      total += u[d] * s.ring[q >= d ? place * s.pitch + q - d : mirror + d];
    }
    const double value = -total * u[0];
    s.ring[s.place(k) * s.pitch + q] = value;
    const int wave = k / s.n_fibre, core = k % s.n_fibre - s.core_fibre;
    if (core < 0 || core >= shape.n_core || q % s.n_fibre != 0) return;
    const int apart = q / s.n_fibre;
    if (apart <= shape.reach)
      s.out[core * shape.size() + Index{apart} * shape.n_wave + wave] = value;
  }

  /// The diagonal, the solution, and the next row of U, a warp each.
  template <class Warp>
  UNFOLD_DEVICE void finish_row(const Warp& warp, const System& s, int k) const {
    if (warp.index() == 0) {
      diagonal(warp, s, k);
    } else if (warp.index() == 1) {
      solution(warp, s, k);
    } else if (warp.index() == 2 && k > 0) {
      warp.for_each(s.half_band + 1, [&](Index d) { load(s, k - 1, static_cast<int>(d)); });
    }
  }

  template <class Warp>
  UNFOLD_DEVICE void diagonal(const Warp& warp, const System& s, int k) const {
    const double* u = s.row_of_u(k);
    double* row = s.ring + s.place(k) * s.pitch;
    auto part = warp.template per_lane<double>();
    warp.each_lane([&](int lane) {
      part(lane) = 0;
      for (int d = 1 + lane; d <= s.half_band; d += compute::kWarp) part(lane) += u[d] * row[d];
    });
    const double value = (u[0] - warp.sum(part)) * u[0];
    const int wave = k / s.n_fibre, core = k % s.n_fibre - s.core_fibre;
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      row[0] = value;
      if (core >= 0 && core < shape.n_core) s.out[core * shape.size() + wave] = value;
    });
  }

  template <class Warp>
  UNFOLD_DEVICE void solution(const Warp& warp, const System& s, int k) const {
    const double* u = s.row_of_u(k);
    auto part = warp.template per_lane<double>();
    warp.each_lane([&](int lane) {
      part(lane) = 0;
      for (int d = 1 + lane; d <= s.half_band; d += compute::kWarp) {
        part(lane) += u[d] * s.x[s.place(k + d)];
      }
    });
    const double value = (s.y[k] - warp.sum(part)) * u[0];
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      s.x[s.place(k)] = value;
      s.flux[k] = value;
    });
  }
};

}  // namespace unfold::extraction::device
