#pragma once

#include "workers/compute/block.h"
#include "workers/kernels/imaging/device/views.h"

/// What comes before and after a walk over a list.
namespace unfold::imaging {

/// seen[p, lane] = factor[p] image[lane, p]; 0 in lanes that are not in use. Index i: p * lanes +
/// lane.
template <class Real>
struct SeenImage {
  int lanes, replicates;
  Index pixels;
  const double* image;   ///< [replicates, P]
  const double* factor;  ///< [P], or null: 1
  Real* seen;            ///< [P, lanes] overwritten

  UNFOLD_HD void operator()(Index i) const {
    const Index p = i / lanes, lane = i % lanes;
    const double unit = factor == nullptr ? 1 : factor[p];
    seen[i] = lane < replicates ? static_cast<Real>(unit * image[lane * pixels + p]) : Real{0};
  }
};

/// out[lane, p] = factor[p] sum over runs of back[run, p, lane]. Warps take every 32nd run, and are
/// added up in order.
struct AddRuns {
  static constexpr int kThreads = 1024;
  int lanes, n_runs;
  Index pixels;
  const double* back;    ///< [runs, P, lanes]
  const double* factor;  ///< [P], or null: 1
  double* out;           ///< [lanes, P] overwritten

  Index size() const { return pixels * lanes; }
  Index blocks() const { return (size() + compute::kWarp - 1) / compute::kWarp; }
  std::size_t shared_bytes() const { return compute::shared_size<double>(kThreads); }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    constexpr int kWarps = kThreads / compute::kWarp;
    double* part = block.template shared<double>(kThreads);
    const Index first = block.index() * compute::kWarp, all = pixels * lanes;
    block.each_thread([&](int thread) {
      const Index i = first + thread % compute::kWarp;
      double sum = 0;
      for (int run = thread / compute::kWarp; run < n_runs && i < all; run += kWarps) {
        sum += back[run * all + i];
      }
      part[thread] = sum;
    });
    block.for_each(compute::kWarp, [&](Index lane_of_warp) {
      const Index i = first + lane_of_warp;
      if (i >= all) return;
      double sum = 0;
      for (int warp = 0; warp < kWarps; ++warp) sum += part[warp * compute::kWarp + lane_of_warp];
      const Index p = i / lanes;
      out[(i % lanes) * pixels + p] = sum * (factor == nullptr ? 1 : factor[p]);
    });
  }
};

/// A pass's sums over pieces, a block each: out[quantity, lane] with quantities y ln m, impossible
/// events, and sum y/m B_c over the pieces of group g for amplitude c * groups + g.
struct AddPieces {
  static constexpr int kThreads = 128;
  int lanes, components, groups, n_pieces;
  const double* piece_sums;         ///< [2 + C, lanes, pieces]
  const std::int32_t* by_group;     ///< [pieces]
  const std::int32_t* group_begin;  ///< [groups + 1]
  double* out;                      ///< [2 + A, lanes] overwritten

  Index blocks() const { return Index{lanes} * (2 + components * groups); }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const auto which = static_cast<int>(block.index());
    const int lane = which % lanes, row = which / lanes;
    const bool all = row < 2;
    const int quantity = all ? row : 2 + (row - 2) / groups, group = all ? 0 : (row - 2) % groups;
    const int first = all ? 0 : group_begin[group];
    const int size = all ? n_pieces : group_begin[group + 1] - first;
    const double* from = piece_sums + (static_cast<Index>(quantity) * lanes + lane) * n_pieces;
    auto mine = block.template per_thread<double>();
    block.each_thread([&](int thread) { mine(thread) = 0; });
    block.for_each(
        size, [&](Index i, int thread) { mine(thread) += from[all ? i : by_group[first + i]]; });
    const double total = block.sum(mine);
    block.each_thread([&](int thread) {
      if (thread == 0) out[which] = total;
    });
  }
};

/// back[run, p] = sum over d, and over the run's kTimesOfRun time bins of the subset, of R[t,p,d]
/// without the pixel's factor, in double. Index i: run * P + p.
struct SensitivityOfRun {
  static constexpr Index kTimesOfRun = 64;
  Index times, pixels, columns, response_times;
  Index first, step;
  AttitudeView attitude;  ///< directions 0: dense
  const double* row_sum;  ///< [response_times, columns]
  double* back;           ///< [runs, P] overwritten

  UNFOLD_HD double of_time(Index t, Index p) const {
    if (attitude.directions == 0) return row_sum[(response_times == 1 ? 0 : t) * columns + p];
    const LookupView& lookups = attitude.of_pixel;
    double total = 0;
    const Index key = t * pixels + p;
    for (std::int32_t j = lookups.begin[key]; j < lookups.begin[key + 1]; ++j) {
      const std::uint32_t entry = lookups.entry[j];
      const double live =
          attitude.live_time[attitude.part_begin[t] + static_cast<std::int32_t>(entry & 0xffff)];
      const double weight = lookups.weight == nullptr ? 1 : static_cast<double>(lookups.weight[j]);
      total += live * weight * row_sum[entry >> 16];
    }
    return total;
  }

  UNFOLD_HD void operator()(Index i) const {
    const Index run = i / pixels, p = i % pixels;
    double total = 0;
    for (Index j = run * kTimesOfRun; j < (run + 1) * kTimesOfRun; ++j) {
      const Index t = first + j * step;
      if (t < times) total += of_time(t, p);
    }
    back[i] = total;
  }
};

}  // namespace unfold::imaging
