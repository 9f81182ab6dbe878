#pragma once

#include "workers/kernels/extraction/device/views.h"

namespace unfold::extraction::device {

/// Adds the prior to M and factors M = U^T U in place, kPanel rows at a time, a block per patch;
/// y = U^-T b comes as one more column. Rows of the panel take what the rows before them give, read
/// from the band; then the panel's own rows are factored one after the other, in shared memory.
/// n (half_band + 1) half_band / 2 multiply-adds, and n / kPanel (2 kPanel + 3) meetings of the
/// block's threads.
struct FactorBand {
  static constexpr int kThreads = 160;
  static constexpr int kPanel = Layout::kPanel;
  PatchSet patches;
  Layout layout;
  double regularize;
  const double* flux_weight;  ///< [slots, n_bin]
  double* band;               ///< [slots, n_bin, band_stride] in: M; out: U(k, k + d)
  double* rhs;                ///< [slots, n_bin] in: b; out: y
  double* largest_weight;     ///< [slots]
  int* failed;                ///< [slots] 1 where a pivot is not positive; band and rhs are spoilt

  Index blocks() const { return patches.n; }
  std::size_t shared_bytes() const {
    return compute::shared_size<double>(kPanel * row_size(layout.half_band)) +
           compute::kReductionBytes;
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const int slot = patches.slots[block.index()];
    System s;
    s.n = patches.job[slot].range.size();
    s.half_band = patches.state[slot].half_band;
    s.stride = layout.band_stride();
    s.band = band + slot * layout.band();
    s.rhs = rhs + Index{slot} * layout.n_bin();
    s.weight = flux_weight + Index{slot} * layout.n_bin();
    s.panel = block.template shared<double>(kPanel * row_size(layout.half_band));
    s.row = row_size(s.half_band);
    s.largest = largest_of(block, s);
    bool good = true;
    for (int k = 0; k < s.n && good; k += kPanel) {
      block.for_each(2 * s.row, [&](Index i) {
        take_rows_before(s, k, static_cast<int>(i) % s.row,
                         static_cast<int>(i) / s.row * (kPanel / 2));
      });
      good = factor_panel(block, s, k);
      block.for_each(kPanel * s.row, [&](Index i) {
        keep(s, k, static_cast<int>(i) / s.row, static_cast<int>(i) % s.row);
      });
    }
    block.each_thread([&](int t) {
      if (t != 0) return;
      largest_weight[slot] = s.largest;
      failed[slot] = good ? 0 : 1;
    });
  }

 private:
  struct System {
    int n, half_band, stride;
    double *band, *rhs;
    const double* weight;
    double* panel;  ///< [kPanel, row]: columns k .. k + half_band + kPanel - 1, then b
    int row;
    double largest;
  };
  UNFOLD_HD static int row_size(int half_band) { return half_band + kPanel + 1; }

  template <class Block>
  UNFOLD_DEVICE static double largest_of(Block& block, const System& s) {
    auto largest = block.template per_thread<double>();
    block.each_thread([&](int t) {
      largest(t) = 0;
      for (int k = t; k < s.n; k += kThreads) {
        largest(t) = s.weight[k] > largest(t) ? s.weight[k] : largest(t);
      }
    });
    return block.max(largest);
  }

  UNFOLD_DEVICE double before(const System& s, int k, int i, int c) const {
    const int row = k + i, d = c - i;
    if (row >= s.n) return 0;
    if (c == s.row - 1) return s.rhs[row];
    if (d < 0 || d > s.half_band) return 0;
    const double m = s.band[Index{row} * s.stride + d];
    return d == 0 ? m + prior_of(s.weight[row], s.largest, regularize) : m;
  }

  /// Rows first .. first + kPanel / 2 - 1 of the panel, at column c.
  UNFOLD_DEVICE void take_rows_before(const System& s, int k, int c, int first) const {
    double total[kPanel / 2];
    for (int i = 0; i < kPanel / 2; ++i) total[i] = before(s, k, first + i, c);
    const bool is_rhs = c == s.row - 1;
    int most = is_rhs ? s.half_band : s.half_band - (c > first ? c : first);
    most = most < k ? most : k;
    for (int p = most; p >= 1; --p) {
      const double* u = s.band + Index{k - p} * s.stride + p;
      const double at = is_rhs ? s.rhs[k - p] : u[c];
      for (int i = 0; i < kPanel / 2; ++i) total[i] -= u[first + i] * at;
    }
    for (int i = 0; i < kPanel / 2; ++i) s.panel[(first + i) * s.row + c] = total[i];
  }

  template <class Block>
  UNFOLD_DEVICE bool factor_panel(Block& block, const System& s, int k) const {
    const int rows = s.n - k < kPanel ? s.n - k : kPanel;
    bool good = true;
    for (int i = 0; i < rows && good; ++i) {
      double* own = s.panel + i * s.row;
      const double pivot = own[i];
      good = pivot > 0;
      const double inverse = 1 / ::sqrt(pivot);
      block.for_each(s.row - i - 1, [&](Index c) { own[i + 1 + c] *= inverse; });
      block.for_each((rows - i - 1) * s.row + 1, [&](Index at) {
        if (at == 0) {
          own[i] = pivot * inverse;
          return;
        }
        const int j = i + 1 + static_cast<int>(at - 1) / s.row;
        const int c = static_cast<int>(at - 1) % s.row;
        if (c >= j) s.panel[j * s.row + c] -= own[j] * own[c];
      });
    }
    return good;
  }

  UNFOLD_DEVICE void keep(const System& s, int k, int i, int c) const {
    const int row = k + i, d = c - i;
    if (row >= s.n) return;
    if (c == s.row - 1) {
      s.rhs[row] = s.panel[i * s.row + c];
    } else if (d >= 0 && d <= s.half_band) {
      s.band[Index{row} * s.stride + d] = s.panel[i * s.row + c];
    }
  }
};

}  // namespace unfold::extraction::device
