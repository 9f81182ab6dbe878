#pragma once

#include <math.h>

#include <type_traits>

#include "workers/kernels/imaging/device/walk_list.h"

/// What a walk over a list does at its events (walk_list.h).
namespace unfold::imaging {

/// expectation[n] = product.
struct ForwardStep {
  static constexpr bool kDots = true, kSums = false;
  double* expectation;  ///< [N]

  template <class Block, class Space, class Product>
  UNFOLD_DEVICE void at(Block& block, const Space&, const Chunk& chunk,
                        const Product& product) const {
    block.for_each(chunk.size, [&](Index e) {
      expectation[chunk.first + e] = product(static_cast<int>(e), 0);
    });
  }
  template <class Block, class Space>
  UNFOLD_DEVICE void leave(Block&, const Space&, int) const {}
};

/// coefficient = data[n].
struct BackStep {
  static constexpr bool kDots = false, kSums = true;
  const double* data;  ///< [N]

  template <class Block, class Space, class Product>
  UNFOLD_DEVICE void at(Block& block, const Space& space, const Chunk& chunk,
                        const Product&) const {
    block.for_each(chunk.size, [&](Index e) {
      space.coefficient[e] =
          static_cast<std::remove_reference_t<decltype(*space.coefficient)>>(data[chunk.first + e]);
    });
  }
  template <class Block, class Space>
  UNFOLD_DEVICE void leave(Block&, const Space&, int) const {}
};

/// The fused pass: m = product + sum_c A B_c + floor, coefficient y / m (0 where m <= 0).
template <class Real, int kWide>
struct PassStep {
  static constexpr bool kDots = true, kSums = true;
  /// Larger ratios come of a model that is 0 but for rounding; products with rows stay finite.
  static constexpr double kLimit = sizeof(Real) == sizeof(double) ? 1e280 : 1e25;

  ListView list;
  int replicates;  ///< of the lanes, those in use
  int n_pieces;
  double floor;
  const double* counts;     ///< [lanes, N]
  const double* amplitude;  ///< [lanes, A]
  double* piece_sums;       ///< [2 + C, lanes, pieces]: y ln m; events with y > 0 and m <= 0; then
                            ///< sum y/m B_c. Overwritten

  struct Term {
    double ratio = 0, log = 0, impossible = 0;
  };

  UNFOLD_DEVICE double background(int c, Index n) const {
    return list.at_events[c * list.events + n];
  }

  UNFOLD_DEVICE Term term(const Chunk& chunk, int e, int lane, double product) const {
    Term out;
    const Index n = chunk.first + e;
    double model = product + floor;
    for (int c = 0; c < list.components; ++c) {
      const int a = (lane * list.components + c) * list.groups + list.group[chunk.time];
      model += amplitude[a] * background(c, n);
    }
    const double y = counts[lane * list.events + n];
    if (model > 0) {
      const double ratio = y / model;
      out.ratio = ratio < kLimit ? ratio : kLimit;
      if (y > 0) out.log = y * ::log(model);
    } else if (y > 0) {
      out.impossible = 1;
    }
    return out;
  }

  /// A warp takes a lane's events side by side.
  template <class Block, class Space, class Product>
  UNFOLD_DEVICE void at(Block& block, const Space& space, const Chunk& chunk,
                        const Product& product) const {
    block.each_warp([&](auto warp) {
      auto term_of = warp.template per_lane<Term>();
      auto value = warp.template per_lane<double>();
      const auto add = [&](int quantity, int lane) {
        const double total = warp.sum(value);
        warp.each_lane([&](int first) {
          if (first == 0) space.totals[quantity * kWide + lane] += total;
        });
      };
      for (int lane = warp.index(); lane < kWide; lane += warp.count()) {
        warp.each_lane([&](int e) {
          const bool met = e < chunk.size && lane < replicates;
          term_of(e) = met ? term(chunk, e, lane, product(e, lane)) : Term{};
          space.coefficient[e * kWide + lane] = static_cast<Real>(term_of(e).ratio);
          value(e) = term_of(e).log;
        });
        add(0, lane);
        warp.each_lane([&](int e) { value(e) = term_of(e).impossible; });
        add(1, lane);
        for (int c = 0; c < list.components; ++c) {
          warp.each_lane([&](int e) {
            value(e) = e < chunk.size ? term_of(e).ratio * background(c, chunk.first + e) : 0;
          });
          add(2 + c, lane);
        }
      }
    });
  }

  template <class Block, class Space>
  UNFOLD_DEVICE void leave(Block& block, const Space& space, int piece) const {
    block.for_each((2 + list.components) * kWide,
                   [&](Index i) { piece_sums[i * n_pieces + piece] = space.totals[i]; });
  }
};

}  // namespace unfold::imaging
