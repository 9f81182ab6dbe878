#pragma once

#include <math.h>

#include <cstdint>
#include <limits>

#include "workers/compute/accelerator.h"
#include "workers/compute/block.h"
#include "workers/kernels/spi/device/score.h"

/// The best references of each frame, kept while products come tile by tile.
namespace unfold::spi {

/// A score and its reference as one number: larger scores are larger, of equal ones the lower
/// reference. All of a frame's keys differ.
using Key = std::uint64_t;

UNFOLD_HD inline Key key_of(float score, std::int32_t reference) {
  const auto bits = __builtin_bit_cast(std::uint32_t, score);
  const std::uint32_t ordered = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return static_cast<Key>(ordered) << 32 | (0xffffffffu - static_cast<std::uint32_t>(reference));
}
UNFOLD_HD inline float score_of(Key key) {
  const auto ordered = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t bits = (ordered & 0x80000000u) != 0 ? ordered & 0x7fffffffu : ~ordered;
  return __builtin_bit_cast(float, bits);
}
/// -1: a free entry.
UNFOLD_HD inline std::int32_t reference_of(Key key) {
  if (key >> 32 == 0) return -1;
  return static_cast<std::int32_t>(0xffffffffu - static_cast<std::uint32_t>(key));
}
/// Free entries are told apart by their place, too, and are below every key.
UNFOLD_HD inline Key free_key(Index place) { return static_cast<Key>(place); }

/// Lists [N, kMostKept], each in no order, with room for `kept`.
struct ClearBest {
  Index kept;
  Key* key;
  float* exact;  ///< [N, kMostKept]

  UNFOLD_HD void operator()(Index i) const {
    const Index place = i % kMostKept;
    key[i] = place < kept ? free_key(place) : ~Key{0};
    exact[i] = -std::numeric_limits<float>::infinity();
  }
};

/// A tile of products [frames, stride] into the lists; a warp takes a frame. score = product x unit
/// + factor x bias.
struct KeepBest {
  static constexpr int kThreads = 128;
  static constexpr int kWarps = kThreads / compute::kWarp;
  const float* product;
  Index stride;
  const float* bias;  ///< [references]
  Index frames;
  int references;
  std::int32_t first;          ///< number of the tile's first reference
  const std::int32_t* member;  ///< [frames] in the set
  const FrameSum* sum;         ///< [N]
  const double* factor;        ///< [N], or null: 1
  float entry_scale;
  Key* key;  ///< [N, kMostKept]

  Index blocks() const { return (frames + kWarps - 1) / kWarps; }
  std::size_t shared_bytes() const { return 0; }

  /// What a lane looks through.
  struct Row {
    const float* product;
    const float* bias;
    float unit, factor;
    int references;
    std::int32_t first;

    /// The largest key between two, of the lane's references; 0: none.
    UNFOLD_DEVICE Key largest(int lane, Key above, Key below) const {
      constexpr int kAtOnce = 8;
      const float least = score_of(above);
      const bool any = above >> 32 == 0;
      Key best = 0;
      for (int begin = lane; begin < references; begin += kAtOnce * compute::kWarp) {
        float score[kAtOnce];
        for (int i = 0; i < kAtOnce; ++i) {
          const int j = begin + i * compute::kWarp;
          score[i] = j < references ? product[j] * unit + factor * bias[j]
                                    : -std::numeric_limits<float>::infinity();
        }
        for (int i = 0; i < kAtOnce; ++i) {
          const int j = begin + i * compute::kWarp;
          if (j >= references || !(any || score[i] >= least) || score[i] != score[i]) continue;
          const Key one = key_of(score[i], first + j);
          if (one > above && one < below && one > best) best = one;
        }
      }
      return best;
    }
  };

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    block.each_warp([&](auto warp) {
      const Index i = block.index() * kWarps + warp.index();
      if (i >= frames) return;
      const Index frame = member[i];
      const Row row{product + i * stride,
                    bias,
                    1 / (sum[frame].scale * entry_scale),
                    factor != nullptr ? static_cast<float>(factor[frame]) : 1.0f,
                    references,
                    first};
      insert(warp, row, key + frame * kMostKept);
    });
  }

  template <class Warp>
  UNFOLD_DEVICE static void insert(const Warp& warp, const Row& row, Key* list) {
    auto mine = warp.template per_lane<Key>();
    auto below = warp.template per_lane<Key>();  // of mine: the largest is that of the least
    auto next = warp.template per_lane<Key>();   // a lane's largest that is not in the list
    warp.each_lane([&](int lane) {
      mine(lane) = list[lane];
      below(lane) = ~mine(lane);
    });
    Key least = ~warp.max(below);
    warp.each_lane([&](int lane) { next(lane) = row.largest(lane, least, ~Key{0}); });
    for (;;) {
      const Key top = warp.max(next);
      if (top <= least) break;
      warp.each_lane([&](int lane) {
        if (mine(lane) == least) mine(lane) = top;
        below(lane) = ~mine(lane);
      });
      least = ~warp.max(below);
      warp.each_lane([&](int lane) {
        if (next(lane) == top) next(lane) = row.largest(lane, least, top);
      });
    }
    warp.each_lane([&](int lane) { list[lane] = mine(lane); });
  }
};

/// Exact scores of the lists' references from `first` on, whose slices are here: terms in float,
/// sums in double. A block takes a frame.
struct ScoreBest {
  static constexpr int kThreads = 128;
  FrameView frames;
  ChoiceView choice;
  AnyTerm term;
  const float* background;
  ExactScore score;
  SliceTable slices;  ///< of references [first, ...)
  std::int32_t first;
  const std::int32_t* member;
  Index count;
  const FrameSum* sum;
  const double* fluence;  ///< [N] or null
  const Key* key;
  float* exact;

  Index blocks() const { return count; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Index frame = member[block.index()];
    const double phi = fluence != nullptr ? fluence[frame] : 1;
    auto fit = block.template per_thread<double>();
    for (int c = 0; c < kMostKept; ++c) {
      const Key one = key[frame * kMostKept + c];
      const std::int32_t reference = one == ~Key{0} ? -1 : reference_of(one);
      if (reference < first) continue;
      const Index j = reference - first;
      const double total = slices.total[j];
      const float* slice = slices.value + j * choice.size;
      const auto factor = static_cast<float>(score.profiled ? phi / total : phi);
      block.each_thread([&](int t) { fit(t) = 0; });
      each_value(block, frames, choice, frame, [&](Index p, float k, int t) {
        const float value = score.kind == TermKind::kSqrt ? ::sqrtf(k) : k;
        const float entry = score.kind == TermKind::kBackground
                                ? term(slice[p], background[p], factor).fit
                                : slice[p];
        fit(t) += static_cast<double>(value) * static_cast<double>(entry);
      });
      const double all = block.sum(fit);
      block.each_thread([&](int t) {
        if (t == 0) {
          exact[frame * kMostKept + c] = static_cast<float>(score(all, total, sum[frame], phi));
        }
      });
    }
  }
};

/// The best `top` of each list by exact scores: reference and score [N, top].
struct RankBest {
  Index top;
  const Key* key;
  const float* exact;
  std::int32_t* reference;
  float* score;

  UNFOLD_HD void operator()(Index frame) const {
    const Index list = frame * kMostKept;
    Key below = ~Key{0};
    for (Index k = 0; k < top; ++k) {
      Key best = 0;
      for (Index c = 0; c < kMostKept; ++c) {
        const Key one = key[list + c];
        const std::int32_t place = one == ~Key{0} ? -1 : reference_of(one);
        if (place < 0 || exact[list + c] != exact[list + c]) continue;
        const Key by_exact = key_of(exact[list + c], place);
        if (by_exact < below && by_exact > best) best = by_exact;
      }
      reference[frame * top + k] = best > 0 ? reference_of(best) : -1;
      score[frame * top + k] = best > 0 ? score_of(best) : -std::numeric_limits<float>::infinity();
      below = best > 0 ? best : 1;
    }
  }
};

}  // namespace unfold::spi
