#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/support/on_device.h"

// What compute/block.h promises, on any device.
namespace unfold::test {

using compute::View;

/// Row sums by warps and the largest value by the block, through shared memory and registers.
struct SumRows {
  static constexpr int kThreads = 96;
  View<const double, 2> rows;   ///< [n, m]
  View<double, 1> sums;         ///< [n] overwritten
  View<double, 1> largest;      ///< [n] largest of the block's rows, overwritten
  View<double, 1> from_thread;  ///< [n] sum again, by the block

  static constexpr Index kRows = 5;  ///< of a block
  Index blocks() const { return (rows.extent[0] + kRows - 1) / kRows; }
  std::size_t shared_bytes() const {
    return compute::shared_size<double>(kRows) + compute::kReductionBytes;
  }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    double* sum = block.template shared<double>(kRows);
    const Index first = block.index() * kRows, left = rows.extent[0] - first;
    const Index n = left < kRows ? left : kRows;
    block.each_warp([&](auto warp) {
      auto part = warp.template per_lane<double>();
      for (Index r = warp.index(); r < n; r += warp.count()) {
        warp.each_lane([&](int lane) { part(lane) = 0; });
        warp.for_each(rows.extent[1], [&](Index i, int lane) { part(lane) += rows(first + r, i); });
        const double total = warp.sum(part);
        warp.each_lane([&](int lane) {
          if (lane == 0) sum[r] = total;
        });
      }
    });
    block.for_each(n, [&](Index r) { sums(first + r) = sum[r]; });
    auto mine = block.template per_thread<double>();
    block.each_thread([&](int) {});
    block.each_thread([&](int thread) { mine(thread) = -1e300; });
    for (Index r = 0; r < n; ++r) {
      block.for_each(rows.extent[1], [&](Index i, int thread) {
        if (rows(first + r, i) > mine(thread)) mine(thread) = rows(first + r, i);
      });
    }
    const double top = block.max(mine);
    block.for_each(n, [&](Index r) { largest(first + r) = top; });
    for (Index r = 0; r < n; ++r) {
      block.each_thread([&](int thread) { mine(thread) = 0; });
      block.for_each(rows.extent[1],
                     [&](Index i, int thread) { mine(thread) += rows(first + r, i); });
      const double total = block.sum(mine);
      block.each_thread([&](int thread) {
        if (thread == 0) from_thread(first + r) = total;
      });
    }
  }
};

template <class D>
class Blocks : public OnDevice<D> {
 protected:
  void expect_sums(Index n, Index m) {
    D device(0);
    std::vector<double> rows(static_cast<std::size_t>(n * m));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<double>((i * 37) % 101);
    auto on = this->on_device(device, rows);
    const std::vector<double> spoilt(static_cast<std::size_t>(n), -1);
    auto sums = this->on_device(device, spoilt), largest = this->on_device(device, spoilt),
         again = this->on_device(device, spoilt);
    launch(device, SumRows{on.view(n, m), sums.view(n), largest.view(n), again.view(n)});
    const auto got = this->on_host(sums), top = this->on_host(largest), same = this->on_host(again);
    for (Index r = 0; r < n; ++r) {
      const auto at = static_cast<std::size_t>(r);
      const auto row = rows.begin() + r * m;
      EXPECT_EQ(got[at], std::accumulate(row, row + m, 0.0)) << n << " x " << m << " row " << r;
      EXPECT_EQ(same[at], got[at]);
      const Index first = r / SumRows::kRows * SumRows::kRows;
      const Index last = std::min(first + SumRows::kRows, n);
      const double want =
          m == 0 ? -1e300 : *std::max_element(rows.begin() + first * m, rows.begin() + last * m);
      EXPECT_EQ(top[at], want);
    }
  }
};
TYPED_TEST_SUITE_P(Blocks);

TYPED_TEST_P(Blocks, SumRowsOfAnySize) {
  for (const Index n : {0, 1, 4, 5, 6, 33}) {
    for (const Index m : {0, 1, 31, 32, 33, 95, 96, 97, 1000}) this->expect_sums(n, m);
  }
}

TYPED_TEST_P(Blocks, ClearCopyAndMarkInTheOrderOfTheStream) {
  TypeParam device(0);
  auto from = this->on_device(device, std::vector<int>{1, 2, 3, 4});
  auto to = this->on_device(device, std::vector<int>{9, 9, 9, 9});
  compute::StageClock<TypeParam> clock(device);
  clock.begin("copy");
  device.copy(to.view(4).data, from.view(4).data, 2 * sizeof(int));
  clock.begin("clear");
  device.clear(to.view(4).data + 2, sizeof(int));
  clock.begin("copy");
  const auto stages = clock.seconds();
  EXPECT_EQ(this->on_host(to), (std::vector<int>{1, 2, 0, 9}));
  ASSERT_EQ(stages.size(), 2u);
  EXPECT_EQ(stages[0].first, "copy");
  EXPECT_EQ(stages[1].first, "clear");
  for (const auto& stage : stages) EXPECT_GE(stage.second, 0);
}

TYPED_TEST_P(Blocks, PinnedMemoryIsCopiedFromAndTo) {
  TypeParam device(0);
  compute::Pinned<float, TypeParam> host(device, 3);
  host.span()[0] = 1, host.span()[1] = 2, host.span()[2] = 3;
  compute::Buffer<float, TypeParam> there(device, 3);
  there.upload(host.span());
  EXPECT_EQ(this->on_host(there), (std::vector<float>{1, 2, 3}));
}

REGISTER_TYPED_TEST_SUITE_P(Blocks, SumRowsOfAnySize, ClearCopyAndMarkInTheOrderOfTheStream,
                            PinnedMemoryIsCopiedFromAndTo);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE Blocks
