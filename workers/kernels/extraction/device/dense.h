#pragma once

#include "workers/kernels/extraction/device/views.h"

/// What dense algebra (dense_algebra.h) is given and what is made of its eigenvectors, for patches
/// of the same number n of bins; matrices are symmetric, [n, n] each.
namespace unfold::extraction::device {

/// Inverses are taken of eigenvalues of at least this share of the largest, as specter's are.
inline constexpr double kSmallestEigenvalue = 2.2e-15;

/// M with its prior from its band, and b where f is to be; a block per patch.
struct ExpandBand {
  static constexpr int kThreads = 256;
  PatchSet patches;
  Layout layout;
  int n;
  double regularize;
  const double* flux_weight;  ///< [slots, n_bin]
  const double* band;         ///< [slots, n_bin, band_stride] without prior
  const double* rhs;          ///< [slots, n_bin]
  double* matrices;           ///< [patches.n, n, n]
  double* flux;               ///< [slots, n_bin], or null: it stays
  double* largest_weight;     ///< [slots]

  Index blocks() const { return patches.n; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index()];
    const Index first = Index{slot} * layout.n_bin();
    const double* weight = flux_weight + first;
    auto largest = block.template per_thread<double>();
    block.each_thread([&](int t) {
      largest(t) = 0;
      for (int k = t; k < n; k += kThreads) {
        largest(t) = weight[k] > largest(t) ? weight[k] : largest(t);
      }
    });
    const double most = block.max(largest);
    const double* own = band + slot * layout.band();
    double* out = matrices + block.index() * n * n;
    block.for_each(Index{n} * n, [&](Index i) {
      const int row = static_cast<int>(i) / n, col = static_cast<int>(i) % n;
      const int d = row < col ? col - row : row - col;
      const double m =
          d > layout.half_band ? 0 : own[Index{row < col ? row : col} * layout.band_stride() + d];
      out[i] = d == 0 ? m + prior_of(weight[row], most, regularize) : m;
    });
    block.for_each(n, [&](Index k) {
      if (flux != nullptr) flux[first + k] = rhs[first + k];
      if (k == 0) largest_weight[slot] = most;
    });
  }
};

/// Blocks C_ss of C = V diag(1 / u) V^T that belong to one fibre each; a block per core fibre of a
/// patch, for up to 600 waves. n n_wave^2 multiply-adds, kChunk eigenvectors in shared memory at a
/// time.
struct CovarianceBlocks {
  static constexpr int kThreads = 256;
  static constexpr int kChunk = 32;
  PatchSet patches;
  int n, n_core, n_wave;
  const double* vectors;  ///< [patches.n, n, n]
  const double* values;   ///< [patches.n, n]
  double* out;            ///< [patches.n, n_core, n_wave, n_wave]

  Index blocks() const { return Index{patches.n} * n_core; }
  std::size_t shared_bytes() const { return compute::shared_size<double>(Index{kChunk} * n_wave); }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    double* tile = block.template shared<double>(kChunk * n_wave);
    const Index member = block.index() / n_core;
    const PatchRange& range = patches.job[patches.slots[member]].range;
    const int own = range.core_fibre + static_cast<int>(block.index() % n_core);
    const double* v = vectors + member * n * n + own;  // of wave 0
    const double* u = values + member * n;
    const double least = kSmallestEigenvalue * u[n - 1];
    double* c = out + block.index() * n_wave * n_wave;
    for (int first = 0; first < n; first += kChunk) {
      block.for_each(kChunk * n_wave, [&](Index i) {
        const int k = first + static_cast<int>(i) / n_wave, w = static_cast<int>(i) % n_wave;
        tile[i] =
            k < n ? v[Index{k} * n + Index{w} * range.n_fibre] / ::sqrt(u[k] > least ? u[k] : least)
                  : 0;
      });
      block.for_each(Index{n_wave} * n_wave, [&](Index i) {
        const double* a = tile + static_cast<int>(i) / n_wave;
        const double* b = tile + static_cast<int>(i) % n_wave;
        double total = first == 0 ? 0 : c[i];
        for (int k = 0; k < kChunk * n_wave; k += n_wave) total += a[k] * b[k];
        c[i] = total;
      });
    }
  }
};

/// Rows of Q = V diag(gain) V^T as Assemble reads them: Q 1, Q f and the upper band between waves
/// of one fibre. Of each patch's M, Q = M^(1/2), or of each core fibre's C_ss, Q = C_ss^(-1/2). A
/// block per core fibre of a patch.
struct EigenRoots {
  static constexpr int kThreads = 256;
  PatchSet patches;
  Layout layout;
  int n;                  ///< of the matrices: bins of the patch, or waves
  bool of_fibres;         ///< the matrices are C_ss, n_core of each patch
  const double* vectors;  ///< [matrices, n, n]
  const double* values;   ///< [matrices, n]
  const double* flux;     ///< [slots, n_bin] f
  double* modes;          ///< [patches.n, n_core, 3, n] scratch
  double* root;           ///< [slots, n_core, n_wave, n_value]

  Index blocks() const { return Index{patches.n} * layout.n_core; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Index member = block.index() / layout.n_core;
    const int core = static_cast<int>(block.index() % layout.n_core);
    const int slot = patches.slots[member];
    const System s = system_of(of_fibres ? block.index() : member, slot, core, block.index());
    const double least = kSmallestEigenvalue * s.values[n - 1];
    block.for_each(n, [&](Index k) {
      const double u = s.values[k];
      s.gain[k] = of_fibres ? 1 / ::sqrt(u > least ? u : least) : ::sqrt(u > 0 ? u : 0);
    });
    block.each_warp([&](const auto& warp) {
      for (int k = warp.index(); k < n; k += warp.count()) project(warp, s, k);
    });
    double* out = root + (Index{slot} * layout.n_core + core) * layout.n_wave * layout.n_value();
    block.for_each(Index{layout.n_wave} * layout.n_value(), [&](Index i) {
      const int wave = static_cast<int>(i) % layout.n_wave,
                value = static_cast<int>(i) / layout.n_wave;
      out[wave * layout.n_value() + value] = element(s, wave, value);
    });
  }

 private:
  struct System {
    const double *vectors, *values, *flux;
    int flux_step;            ///< from a row of the matrix to the next
    int first_row, row_step;  ///< of the fibre's waves
    double *gain, *ones, *side;
  };

  UNFOLD_DEVICE System system_of(Index matrix, int slot, int core, Index at) const {
    const PatchRange& range = patches.job[slot].range;
    const int own = range.core_fibre + core;
    System s;
    s.vectors = vectors + matrix * n * n;
    s.values = values + matrix * n;
    s.flux = flux + Index{slot} * layout.n_bin() + (of_fibres ? own : 0);
    s.flux_step = of_fibres ? range.n_fibre : 1;
    s.first_row = of_fibres ? 0 : own;
    s.row_step = of_fibres ? 1 : range.n_fibre;
    s.gain = modes + at * 3 * n;
    s.ones = s.gain + n;
    s.side = s.ones + n;
    return s;
  }

  /// What 1 and f have of eigenvector k, times its gain.
  template <class Warp>
  UNFOLD_DEVICE void project(const Warp& warp, const System& s, int k) const {
    const double* v = s.vectors + Index{k} * n;
    auto ones = warp.template per_lane<double>();
    auto side = warp.template per_lane<double>();
    warp.each_lane([&](int lane) {
      ones(lane) = side(lane) = 0;
      for (int i = lane; i < n; i += compute::kWarp) {
        ones(lane) += v[i];
        side(lane) += v[i] * s.flux[Index{i} * s.flux_step];
      }
    });
    const double total = warp.sum(ones), with_flux = warp.sum(side);
    warp.each_lane([&](int lane) {
      if (lane != 0) return;
      s.ones[k] = s.gain[k] * total;
      s.side[k] = s.gain[k] * with_flux;
    });
  }

  UNFOLD_DEVICE double element(const System& s, int wave, int value) const {
    const double* v = s.vectors + s.first_row + Index{wave} * s.row_step;
    double total = 0;
    if (value < 2) {
      const double* with = value == 0 ? s.ones : s.side;
      for (int k = 0; k < n; ++k) total += with[k] * v[Index{k} * n];
      return total;
    }
    const int apart = value - 2;
    if (wave + apart >= layout.n_wave) return 0;
    const double* other = v + Index{apart} * s.row_step;
    for (int k = 0; k < n; ++k) total += s.gain[k] * v[Index{k} * n] * other[Index{k} * n];
    return total;
  }
};

}  // namespace unfold::extraction::device
