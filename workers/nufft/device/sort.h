#pragma once

#include <cstdint>
#include <utility>

#include "workers/compute/accelerator.h"
#include "workers/compute/block.h"

/// A stable sort of keys and what goes with them, by digits of four bits from the lowest: counted
/// by tiles, summed, and written tile by tile. No two threads count in one place, so that the
/// order is that of the keys alone.
namespace unfold::nufft {

using compute::Index;

struct SortPass {
  static constexpr int kDigitBits = 4, kDigits = 1 << kDigitBits;
  static constexpr int kThreads = 128, kRun = 16;  ///< items of a thread, neighbours
  static constexpr Index kTile = kThreads * kRun;

  const std::uint32_t* keys;
  const std::uint32_t* values;
  Index size;
  int shift;
  std::uint32_t* counts;  ///< [kDigits, tiles]

  UNFOLD_HD Index tiles() const { return (size + kTile - 1) / kTile; }
  UNFOLD_HD int digit(Index i) const { return static_cast<int>(keys[i] >> shift) & (kDigits - 1); }
  /// Items of one thread of one tile.
  UNFOLD_HD Index begin(Index tile, int thread) const { return tile * kTile + thread * kRun; }
  UNFOLD_HD Index end(Index tile, int thread) const {
    const Index last = begin(tile, thread) + kRun;
    return last < size ? last : size;
  }
  /// own [kDigits, kThreads] = how often each thread has each digit. A phase.
  template <class Block>
  UNFOLD_DEVICE void count(Block& block, std::uint32_t* own) const {
    block.each_thread([&](int thread) {
      for (int d = 0; d < kDigits; ++d) own[d * kThreads + thread] = 0;
      for (Index i = begin(block.index(), thread); i < end(block.index(), thread); ++i) {
        ++own[digit(i) * kThreads + thread];
      }
    });
  }
};

/// counts = how often each digit comes in each tile.
struct CountDigits {
  static constexpr int kThreads = SortPass::kThreads;
  SortPass pass;

  Index blocks() const { return pass.tiles(); }
  std::size_t shared_bytes() const {
    return compute::shared_size<std::uint32_t>(SortPass::kDigits * kThreads);
  }
  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    auto* own = block.template shared<std::uint32_t>(SortPass::kDigits * kThreads);
    pass.count(block, own);
    block.for_each(SortPass::kDigits, [&](Index d) {
      std::uint32_t sum = 0;
      for (int t = 0; t < kThreads; ++t) sum += own[d * kThreads + t];
      pass.counts[d * pass.tiles() + block.index()] = sum;
    });
  }
};

/// counts[i] <- sum of counts[0 .. i - 1], by one block.
struct SumBefore {
  static constexpr int kThreads = 1024;
  std::uint32_t* counts;
  Index size;

  Index blocks() const { return 1; }
  std::size_t shared_bytes() const { return compute::shared_size<std::uint32_t>(kThreads); }
  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    auto* before = block.template shared<std::uint32_t>(kThreads);
    const Index piece = (size + kThreads - 1) / kThreads;
    const auto end = [&](int thread) {
      const Index last = (thread + 1) * piece;
      return last < size ? last : size;
    };
    block.each_thread([&](int thread) {
      std::uint32_t sum = 0;
      for (Index i = thread * piece; i < end(thread); ++i) sum += counts[i];
      before[thread] = sum;
    });
    block.each_thread([&](int thread) {
      if (thread != 0) return;
      std::uint32_t sum = 0;
      for (int t = 0; t < kThreads; ++t) {
        const std::uint32_t one = before[t];
        before[t] = sum;
        sum += one;
      }
    });
    block.each_thread([&](int thread) {
      std::uint32_t sum = before[thread];
      for (Index i = thread * piece; i < end(thread); ++i) {
        const std::uint32_t one = counts[i];
        counts[i] = sum;
        sum += one;
      }
    });
  }
};

/// Writes keys and values where their digit begins, in order.
struct PlaceDigits {
  static constexpr int kThreads = SortPass::kThreads;
  SortPass pass;
  std::uint32_t* keys_out;
  std::uint32_t* values_out;

  Index blocks() const { return pass.tiles(); }
  std::size_t shared_bytes() const {
    return compute::shared_size<std::uint32_t>(SortPass::kDigits * kThreads);
  }
  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    auto* next = block.template shared<std::uint32_t>(SortPass::kDigits * kThreads);
    pass.count(block, next);
    block.for_each(SortPass::kDigits, [&](Index d) {
      std::uint32_t sum = pass.counts[d * pass.tiles() + block.index()];
      for (int t = 0; t < kThreads; ++t) {
        const std::uint32_t one = next[d * kThreads + t];
        next[d * kThreads + t] = sum;
        sum += one;
      }
    });
    block.each_thread([&](int thread) {
      for (Index i = pass.begin(block.index(), thread); i < pass.end(block.index(), thread); ++i) {
        const std::uint32_t to = next[pass.digit(i) * kThreads + thread]++;
        keys_out[to] = pass.keys[i];
        values_out[to] = pass.values[i];
      }
    });
  }
};

/// Keys and values in the keys' order, those of equal keys as they came. Keys lie below 2^bits;
/// both buffers have fewer than 2^32 elements. Queued.
template <compute::Accelerator D>
std::pair<compute::Buffer<std::uint32_t, D>, compute::Buffer<std::uint32_t, D>> sorted(
    D& device, compute::Buffer<std::uint32_t, D> keys, compute::Buffer<std::uint32_t, D> values,
    int bits) {
  const Index size = keys.size();
  compute::Buffer<std::uint32_t, D> next_keys(device, size), next_values(device, size);
  SortPass pass{nullptr, nullptr, size, 0, nullptr};
  compute::Buffer<std::uint32_t, D> counts(device, SortPass::kDigits * pass.tiles());
  pass.counts = counts.view(counts.size()).data;
  for (; pass.shift < bits; pass.shift += SortPass::kDigitBits) {
    pass.keys = keys.view(size).data;
    pass.values = values.view(size).data;
    launch(device, CountDigits{pass});
    launch(device, SumBefore{pass.counts, counts.size()});
    launch(device, PlaceDigits{pass, next_keys.view(size).data, next_values.view(size).data});
    std::swap(keys, next_keys);
    std::swap(values, next_values);
  }
  return {std::move(keys), std::move(values)};
}

}  // namespace unfold::nufft
