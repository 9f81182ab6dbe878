#pragma once

#include "workers/kernels/extraction/device/inverse.h"

namespace unfold::extraction::device {

/// Row w of the factor of S = (C block)^-1: g solves C[w..w+reach] g = e1 / sqrt(e1' C^-1 e1). With
/// C = R R' (R upper triangular, made from the last column on), R' g = e1. A warp does 32
/// neighbouring waves, a system a lane; past the last wave C is the identity.
struct LocalFactors {
  static constexpr int kThreads = compute::kWarp;
  PatchSet patches;
  BlockShape shape;
  const double* covariance;
  double* factor;  ///< g_w(p) at [p, w]

  Index blocks() const { return Index{patches.n} * shape.n_core * groups(); }
  std::size_t shared_bytes() const {
    return compute::shared_size<double>(triangle() * kThreads) +
           compute::shared_size<double>((shape.reach + 1) * kThreads);
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    double* r = block.template shared<double>(triangle() * kThreads);
    double* g = block.template shared<double>((shape.reach + 1) * kThreads);
    const int group = static_cast<int>(block.index()) % groups();
    const Index fibre = block.index() / groups();
    const Index first =
        shape.at(patches.slots[fibre / shape.n_core], static_cast<int>(fibre % shape.n_core));
    block.each_thread([&](int lane) {
      const int wave = group * kThreads + lane;
      if (wave < shape.n_wave) solve(first, wave, r + lane, g + lane);
    });
  }

 private:
  UNFOLD_HD int groups() const { return (shape.n_wave + kThreads - 1) / kThreads; }
  UNFOLD_HD int triangle() const { return (shape.reach + 1) * (shape.reach + 2) / 2; }
  /// R(p, q), p <= q, by columns.
  UNFOLD_HD static int at(int p, int q) { return (q * (q + 1) / 2 + p) * kThreads; }

  UNFOLD_DEVICE void solve(Index block, int wave, double* r, double* g) const {
    const int n = shape.reach + 1;
    const double* c = covariance + block;
    for (int q = 0; q < n; ++q) {
      for (int p = 0; p <= q; ++p) {
        const bool inside = wave + q < shape.n_wave;
        r[at(p, q)] = inside ? c[Index{q - p} * shape.n_wave + wave + p] : p == q ? 1 : 0;
      }
    }
    for (int col = n - 1; col >= 0; --col) {
      const double pivot = ::sqrt(r[at(col, col)]), inverse = 1 / pivot;
      r[at(col, col)] = pivot;
      for (int p = 0; p < col; ++p) r[at(p, col)] *= inverse;
      for (int q = 0; q < col; ++q) {
        const double scale = r[at(q, col)];
        for (int p = 0; p <= q; ++p) r[at(p, q)] -= scale * r[at(p, col)];
      }
    }
    for (int p = 0; p < n; ++p) {
      double total = p == 0 ? -1 : 0;
      for (int q = 0; q < p; ++q) total += r[at(q, p)] * g[q * kThreads];
      g[p * kThreads] = -total / r[at(p, p)];
      factor[block + Index{p} * shape.n_wave + wave] = g[p * kThreads];
    }
  }
};

/// What the root of one fibre's S needs to know.
struct FibreState {
  double beyond;     ///< how far S goes past reach: largest |G(w + reach, w)| / G(w + reach, ..)
  double scale;      ///< bound of S's largest eigenvalue, by Gershgorin
  double condition;  ///< bound of its condition number
};

/// S = G G' from its factor, and the fibre's state; a block per core fibre of a patch. Bins without
/// any weight are coupled to nothing: their diagonal becomes `scale`, so that their prior does not
/// stretch the spectrum.
struct SchurRows {
  static constexpr int kThreads = 96;
  PatchSet patches;
  Layout layout;
  BlockShape shape;
  const double *covariance, *factor;
  const double* flux_weight;  ///< [slots, n_bin]
  double* schur;              ///< S(w, w + d) at [d, w]
  FibreState* state;          ///< [slots, n_core]

  Index blocks() const { return Index{patches.n} * shape.n_core; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index() / shape.n_core];
    const int core = static_cast<int>(block.index() % shape.n_core);
    const Index at = shape.at(slot, core);
    const PatchRange& range = patches.job[slot].range;
    const double* weight =
        flux_weight + Index{slot} * layout.n_bin() + range.core_fibre + core;  // of wave 0
    block.for_each(shape.size(), [&](Index i) {
      const int d = static_cast<int>(i) / shape.n_wave, w = static_cast<int>(i) % shape.n_wave;
      schur[at + i] = product(factor + at, w, d);
    });
    auto beyond = block.template per_thread<double>();
    auto top = block.template per_thread<double>();
    auto top_inverse = block.template per_thread<double>();
    block.each_thread([&](int t) {
      beyond(t) = top(t) = top_inverse(t) = 0;
      for (int w = t; w < shape.n_wave; w += kThreads) {
        beyond(t) = larger(beyond(t), ratio(factor + at, w));
        if (weight[w * range.n_fibre] == 0) continue;
        top(t) = larger(top(t), row_sum(schur + at, w));
        top_inverse(t) = larger(top_inverse(t), row_sum(covariance + at, w));
      }
    });
    const double most = block.max(top), scale = most > 0 ? most : 1;
    const double condition = larger(1.2 * scale * block.max(top_inverse), 1);
    const double far = block.max(beyond);
    block.for_each(shape.n_wave, [&](Index w) {
      if (weight[w * range.n_fibre] == 0) schur[at + w] = scale;
      if (w == 0) state[Index{slot} * shape.n_core + core] = {far, scale, condition};
    });
  }

 private:
  UNFOLD_HD static double larger(double a, double b) { return a > b ? a : b; }

  /// sum_p g_{w-p}(p) g_{w-p}(p + d).
  UNFOLD_DEVICE double product(const double* g, int w, int d) const {
    if (w + d >= shape.n_wave) return 0;
    const int most = shape.reach - d < w ? shape.reach - d : w;
    double total = 0;
    for (int p = 0; p <= most; ++p) {
      const double* column = g + Index{p} * shape.n_wave + w - p;
      total += column[0] * column[Index{d} * shape.n_wave];
    }
    return total;
  }
  UNFOLD_DEVICE double ratio(const double* g, int w) const {
    if (w + shape.reach >= shape.n_wave) return 0;
    return ::fabs(g[Index{shape.reach} * shape.n_wave + w] / g[w + shape.reach]);
  }
  UNFOLD_DEVICE double row_sum(const double* m, int w) const {
    double total = ::fabs(m[w]);
    for (int d = 1; d <= shape.reach; ++d) {
      if (w + d < shape.n_wave) total += ::fabs(m[Index{d} * shape.n_wave + w]);
      if (w >= d) total += ::fabs(m[Index{d} * shape.n_wave + w - d]);
    }
    return total;
  }
};

}  // namespace unfold::extraction::device
