#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "workers/compute/random.h"
#include "workers/kernels/spi/best_list.h"
#include "workers/kernels/spi/dispatch.h"
#include "workers/kernels/spi/floats.h"

namespace unfold::spi {
namespace {

constexpr Size kPanels = 2;

class ProductKernelsTest : public testing::TestWithParam<compute::Isa> {
 protected:
  Floats random_floats(Size size, std::uint64_t seed) {
    Floats out(cpu_, std::max<Size>(size, 1));
    compute::Random random(seed, 0, 0);
    for (Size i = 0; i < size; ++i) out.data()[i] = static_cast<float>(random.normal());
    return out;
  }

  compute::Cpu cpu_{1};
  const ProductKernels& kernels_ = kernels(GetParam()).product;
};

TEST_P(ProductKernelsTest, TilesAreSumsOverPixelsAtAnyDepth) {
  const Size rows = kernels_.rows, columns = kernels_.columns;
  for (const Size depth : {0, 1, 31, 32, 33, 1000}) {
    const Floats a = random_floats(kPanels * depth * rows, 1);
    const Floats b = random_floats(kPanels * depth * columns, 2);
    Floats c = random_floats(kPanels * kPanels * rows * columns, 3);
    const ProductTask task{.depth = depth,
                           .row_panels = kPanels,
                           .column_panels = kPanels,
                           .a = a.data(),
                           .a_stride = depth * rows,
                           .b = b.data(),
                           .b_stride = depth * columns,
                           .c = c.data(),
                           .add = false};
    kernels_.multiply(task);
    for (const double times : {1.0, 2.0}) {
      for (Size i = 0; i < kPanels * rows; ++i)
        for (Size j = 0; j < kPanels * columns; ++j) {
          double sum = 0;
          for (Size k = 0; k < depth; ++k)
            sum += static_cast<double>(a.data()[(i / rows * depth + k) * rows + i % rows]) *
                   b.data()[(j / columns * depth + k) * columns + j % columns];
          const Size tile = i / rows * kPanels + j / columns;
          const Size place = (tile * rows + i % rows) * columns + j % columns;
          EXPECT_NEAR(c.data()[place], times * sum,
                      1e-5 * (1 + std::sqrt(static_cast<double>(depth))));
        }
      ProductTask again = task;
      again.add = true;
      kernels_.multiply(again);
    }
  }
}

TEST_P(ProductKernelsTest, ListedValuesFindTheirPixels) {
  const Size columns = kernels_.columns;
  const Floats panel = random_floats(100 * columns, 4);
  for (const Size listed : {0, 1, 3, 4, 5, 31}) {
    std::vector<float> value;
    std::vector<std::uint32_t> pixel;
    for (Size k = 0; k < listed; ++k) {
      value.push_back(static_cast<float>(k + 1));
      pixel.push_back(static_cast<std::uint32_t>(3 * k + 2));
    }
    Floats c = random_floats(columns, 5);
    kernels_.gather({{value.data(), pixel.data(), listed}, panel.data(), c.data()});
    for (Size j = 0; j < columns; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < value.size(); ++k)
        sum +=
            static_cast<double>(value[k]) * panel.data()[static_cast<Size>(pixel[k]) * columns + j];
      EXPECT_NEAR(c.data()[j], sum, 1e-4);
    }
  }
}

TEST_P(ProductKernelsTest, WhatExceedsItsRowsThresholdIsSelected) {
  const Size rows = kernels_.rows, columns = kernels_.columns;
  const Floats c = random_floats(rows * columns, 6);
  const Floats bias = random_floats(columns, 7);
  std::vector<float> factor, threshold;
  for (Size r = 0; r < rows; ++r) {
    factor.push_back(0.5f * static_cast<float>(r % 3));
    threshold.push_back(r % 4 == 3 ? 100.0f : 0.3f * static_cast<float>(r));
  }
  std::vector<Hit> hits(static_cast<std::size_t>(rows * columns));
  hits.resize(static_cast<std::size_t>(
      kernels_.select({c.data(), bias.data(), factor.data(), threshold.data()}, hits.data())));
  std::size_t next = 0;
  for (Size r = 0; r < rows; ++r)
    for (Size j = 0; j < columns; ++j) {
      const auto row = static_cast<std::size_t>(r);
      const double score = c.data()[r * columns + j] +
                           static_cast<double>(factor[row]) * static_cast<double>(bias.data()[j]);
      if (score <= static_cast<double>(threshold[row])) continue;
      ASSERT_LT(next, hits.size());
      EXPECT_EQ(hits[next].row, r);
      EXPECT_EQ(hits[next].column, j);
      EXPECT_NEAR(hits[next].score, score, 1e-6);
      ++next;
    }
  EXPECT_EQ(next, hits.size());
  EXPECT_GT(next, 0U);
}

INSTANTIATE_TEST_SUITE_P(Isas, ProductKernelsTest, testing::ValuesIn(compute::available_isas()),
                         [](const auto& of) { return compute::to_string(of.param); });

TEST(BestListTest, KeepsTheBestInOrderWhicheverCameFirst) {
  const std::vector<Candidate> all = {{1, 5}, {3, 4}, {3, 2}, {-7, 0}, {2, 9}, {3, 7}};
  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5};
  do {
    std::vector<Candidate> best(4);
    for (const std::size_t k : order) insert(std::span(best), all[k]);
    EXPECT_EQ(best[0].place, 2);
    EXPECT_EQ(best[1].place, 4);
    EXPECT_EQ(best[2].place, 7);
    EXPECT_EQ(best[3].place, 9);
  } while (std::next_permutation(order.begin(), order.end()));
}

}  // namespace
}  // namespace unfold::spi
