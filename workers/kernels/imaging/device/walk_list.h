#pragma once

#include "workers/compute/block.h"
#include "workers/kernels/imaging/device/views.h"
#include "workers/kernels/imaging/device/walk_layout.h"

namespace unfold::imaging {

/// What the phases of one block share. Columns count from RowsView::first.
template <class Real, class Stored>
struct WalkSpace {
  Real* w = nullptr;             ///< [length, lanes] the image as the columns see it
  Real* sum = nullptr;           ///< [length, lanes] sums of coefficient times row
  Four<Stored>* rows = nullptr;  ///< [chunk, length / 4], or null: they stay far
  Real* product = nullptr;       ///< one lane: [32]; more: [slices, quads, 4, lanes]
  Real* coefficient = nullptr;   ///< [32, lanes]
  double* totals = nullptr;      ///< [2 + C, lanes] of a piece
};

/// Up to 32 events of a time bin.
struct Chunk {
  int time, first, size;
};

/// A walk over a list of events, one block a run of pieces: for each time bin
/// w[k] = sum_p S_t[p,k] image[p]; for each event product = sum_k row[k] w[k], and what `Step`
/// makes of it is the coefficient with which the row is added to sum[k]; when a piece ends, back[p]
/// += sum_k S_t[p,k] sum[k]. Every sum has a fixed order; nothing is atomic. `kWide`: 1, or
/// kDeviceLanes replicates side by side.
///
/// A Step has kDots and kSums (whether products are wanted, and sums), at(block, space, chunk,
/// product_of) between them, and leave(block, space, piece).
template <class Real, class Stored, int kWide, class Step>
struct WalkList {
  static constexpr int kThreads = kWide == 1 ? 256 : kLaneGroups * kDeviceLanes;
  static_assert(kWide == 1 || kWide == kDeviceLanes);
  using Space = WalkSpace<Real, Stored>;

  RowsView<Stored> rows;
  AttitudeView attitude;  ///< directions 0: a dense response, S_t is the unit matrix
  ListView list;
  CutView cut;
  WalkLayout layout;
  Index pixels;
  const Real* image;  ///< [P, lanes] times the pixels' factors
  Real* scratch;      ///< [runs, 2, length, lanes] where columns stay far
  double* back;       ///< [runs, P, lanes] overwritten
  Step step;

  Index blocks() const { return cut.n_runs; }
  std::size_t shared_bytes() const { return layout.bytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Space space = share(block);
    const auto run = static_cast<int>(block.index());
    const int first = cut.run[run], last = cut.run[run + 1];
    int time = -1;
    for (int i = first; i < last; ++i) {
      const PieceOf piece = cut.pieces[i];
      enter(block, space, piece.time, piece.time != time);
      time = piece.time;
      for (int n = piece.begin; n < piece.end; n += layout.chunk) {
        const int left = piece.end - n;
        const Chunk chunk{time, n, left < layout.chunk ? left : layout.chunk};
        meet(block, space, chunk);
        step.at(block, space, chunk,
                [&](int e, int lane) { return product(space, chunk, e, lane); });
        if constexpr (Step::kSums) accumulate(block, space, chunk);
      }
      step.leave(block, space, i);
      if constexpr (Step::kSums) gather(block, space, time, i == first);
    }
  }

 private:
  template <class Block>
  UNFOLD_DEVICE Space share(Block& block) const {
    Space space;
    space.coefficient = block.template shared<Real>(compute::kWarp * kWide);
    space.product = block.template shared<Real>(kWide == 1 ? compute::kWarp : 4 * kThreads);
    space.totals = block.template shared<double>((2 + list.components) * kWide);
    const Index size = static_cast<Index>(rows.length) * kWide;
    if (layout.columns_near) {
      space.w = block.template shared<Real>(size);
      space.sum = block.template shared<Real>(size);
    } else {
      space.w = scratch + 2 * size * block.index();
      space.sum = space.w + size;
    }
    if (layout.rows_near) {
      Stored* near = block.template shared<Stored>(static_cast<Index>(layout.chunk) * rows.length);
      space.rows = reinterpret_cast<Four<Stored>*>(near);
    }
    return space;
  }

  template <class F>
  UNFOLD_DEVICE double over_lookups(const LookupView& lookups, Index key, int time,
                                    const F& value) const {
    double total = 0;
    for (std::int32_t j = lookups.begin[key]; j < lookups.begin[key + 1]; ++j) {
      const std::uint32_t entry = lookups.entry[j];
      const int part = attitude.part_begin[time] + static_cast<int>(entry & 0xffff);
      const auto weight = static_cast<Real>(lookups.weight == nullptr ? 1 : lookups.weight[j]);
      total += static_cast<double>(static_cast<Real>(attitude.live_time[part]) * weight *
                                   value(static_cast<int>(entry >> 16), part));
    }
    return total;
  }

  UNFOLD_DEVICE Real seen(int time, int column, int lane) const {
    const Index k = rows.first + column;
    if (k >= rows.columns) return 0;
    const Real unit = static_cast<Real>(rows.unit(time, k));
    if (attitude.directions == 0) return unit * image[k * kWide + lane];
    if (k >= attitude.directions) return 0;
    return unit *
           static_cast<Real>(over_lookups(attitude.of_direction, time * attitude.directions + k,
                                          time, [&](int pixel, int part) {
                                            const Index p = attitude.first_pixel[part] + pixel;
                                            return image[p * kWide + lane];
                                          }));
  }

  template <class Block>
  UNFOLD_DEVICE void enter(Block& block, const Space& space, int time, bool anew) const {
    block.for_each((2 + list.components) * kWide, [&](Index i) { space.totals[i] = 0; });
    block.for_each(static_cast<Index>(rows.length) * kWide, [&](Index i) {
      if (Step::kDots && anew) {
        space.w[i] = seen(time, static_cast<int>(i) / kWide, static_cast<int>(i) % kWide);
      }
      if (Step::kSums) space.sum[i] = 0;
    });
  }

  UNFOLD_DEVICE const Four<Stored>* far_row(const Chunk& chunk, int e) const {
    return rows.row(chunk.time, list.bin[chunk.first + e]);
  }
  UNFOLD_DEVICE const Four<Stored>* row(const Space& space, const Chunk& chunk, int e) const {
    return space.rows != nullptr ? space.rows + e * rows.fours() : far_row(chunk, e);
  }

  /// A lane's share of a row: kept near, and its product with w. kAtOnce loads are under way.
  UNFOLD_DEVICE Real meet_row(const Space& space, const Four<Stored>* from, Four<Stored>* to,
                              int lane) const {
    constexpr int kAtOnce = 8;
    const auto* w = reinterpret_cast<const Four<Real>*>(space.w);
    const int fours = rows.fours();
    Real sum = 0;
    for (int first = lane; first < fours; first += compute::kWarp * kAtOnce) {
      Four<Stored> met[kAtOnce] = {};
      for (int u = 0; u < kAtOnce; ++u) {
        const int i = first + u * compute::kWarp;
        if (i < fours) met[u] = from[i];
      }
      for (int u = 0; u < kAtOnce; ++u) {
        const int i = first + u * compute::kWarp;
        if (i >= fours) continue;
        if (to != nullptr) to[i] = met[u];
        if constexpr (Step::kDots && kWide == 1) {
          const Four<Real> near = w[i];
          for (int j = 0; j < 4; ++j) sum += value_of(met[u].v[j]) * near.v[j];
        }
      }
    }
    return sum;
  }

  template <class Block>
  UNFOLD_DEVICE void meet(Block& block, const Space& space, const Chunk& chunk) const {
    constexpr bool kDotsHere = Step::kDots && kWide == 1;
    if (kDotsHere || space.rows != nullptr) {
      block.each_warp([&](auto warp) {
        auto part = warp.template per_lane<Real>();
        for (int e = warp.index(); e < chunk.size; e += warp.count()) {
          const Four<Stored>* from = far_row(chunk, e);
          Four<Stored>* to = Step::kSums || kWide > 1 ? space.rows : nullptr;
          if (to != nullptr) to += e * rows.fours();
          warp.each_lane([&](int lane) { part(lane) = meet_row(space, from, to, lane); });
          if constexpr (kDotsHere) {
            const Real total = warp.sum(part);
            warp.each_lane([&](int lane) {
              if (lane == 0) space.product[e] = total;
            });
          }
        }
      });
    }
    if constexpr (Step::kDots && kWide > 1) dot_lanes(block, space, chunk);
  }

  UNFOLD_DEVICE static int quads(const Chunk& chunk) { return (chunk.size + 3) / 4; }

  /// A group of threads, one a lane, takes four events and a slice of the columns.
  template <class Block>
  UNFOLD_DEVICE void dot_lanes(Block& block, const Space& space, const Chunk& chunk) const {
    const int n_quads = quads(chunk), slices = kLaneGroups / n_quads, fours = rows.fours();
    block.each_thread([&](int thread) {
      const int lane = thread % kWide, group = thread / kWide;
      const int quad = group % n_quads, slice = group / n_quads;
      if (slice >= slices) return;
      const Four<Stored>* at[4];
      for (int j = 0; j < 4; ++j) {
        const int e = 4 * quad + j;
        at[j] = row(space, chunk, e < chunk.size ? e : chunk.size - 1);
      }
      Real sum[4] = {};
      const int end = (slice + 1) * fours / slices;
      for (int i = slice * fours / slices; i < end; ++i) {
        const Four<Stored> x[4] = {at[0][i], at[1][i], at[2][i], at[3][i]};
        for (int c = 0; c < 4; ++c) {
          const Real w = space.w[static_cast<Index>(4 * i + c) * kWide + lane];
          for (int j = 0; j < 4; ++j) sum[j] += value_of(x[j].v[c]) * w;
        }
      }
      for (int j = 0; j < 4; ++j) space.product[(group * 4 + j) * kWide + lane] = sum[j];
    });
  }

  UNFOLD_DEVICE double product(const Space& space, const Chunk& chunk, int e, int lane) const {
    if constexpr (kWide == 1) return static_cast<double>(space.product[e]);
    const int n_quads = quads(chunk), slices = kLaneGroups / n_quads;
    double total = 0;
    for (int slice = 0; slice < slices; ++slice) {
      const int group = slice * n_quads + e / 4;
      total += static_cast<double>(space.product[(group * 4 + e % 4) * kWide + lane]);
    }
    return total;
  }

  template <class Block>
  UNFOLD_DEVICE void accumulate(Block& block, const Space& space, const Chunk& chunk) const {
    block.for_each(static_cast<Index>(rows.fours()) * kWide, [&](Index i) {
      const int lane = static_cast<int>(i) % kWide, four = static_cast<int>(i) / kWide;
      Real* to = space.sum + static_cast<Index>(four) * 4 * kWide + lane;
      Real sum[4] = {to[0], to[kWide], to[2 * kWide], to[3 * kWide]};
      for (int e = 0; e < chunk.size; ++e) {
        const Four<Stored> x = row(space, chunk, e)[four];
        const Real coefficient = space.coefficient[e * kWide + lane];
        for (int c = 0; c < 4; ++c) sum[c] += coefficient * value_of(x.v[c]);
      }
      for (int c = 0; c < 4; ++c) to[c * kWide] = sum[c];
    });
  }

  UNFOLD_DEVICE double sum_of(const Space& space, int time, Index k, int lane) const {
    const Index column = k - rows.first;
    if (column < 0 || column >= rows.length) return 0;
    return static_cast<double>(space.sum[column * kWide + lane]) * rows.unit(time, k);
  }

  template <class Block>
  UNFOLD_DEVICE void gather(Block& block, const Space& space, int time, bool first) const {
    double* to = back + block.index() * pixels * kWide;
    block.for_each(pixels * kWide, [&](Index i) {
      const int lane = static_cast<int>(i % kWide);
      const Index p = i / kWide;
      double total = 0;
      if (attitude.directions == 0) {
        total = sum_of(space, time, p, lane);
      } else {
        total = over_lookups(attitude.of_pixel, time * pixels + p, time, [&](int direction, int) {
          return static_cast<Real>(sum_of(space, time, direction, lane));
        });
      }
      to[i] = first ? total : to[i] + total;
    });
  }
};

}  // namespace unfold::imaging
