#include "workers/kernels/spi/phase_box.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace unfold::spi {
namespace {

std::size_t place(Index box, Index i, Index j, Index k) {
  const auto wrap = [&](Index n) { return (n % box + box) % box; };
  return static_cast<std::size_t>((wrap(i) * box + wrap(j)) * box + wrap(k));
}

TEST(PhaseBox, IsAFastSizeThatHoldsTheObjectTwiceOver) {
  for (Index grid = 11; grid < 250; grid += 2) {
    EXPECT_GE(static_cast<double>(phasing_box(grid)), 0.78 * static_cast<double>(grid));
  }
  EXPECT_EQ(phasing_box(37), 32);
  EXPECT_EQ(phasing_box(81), 64);
}

TEST(PhaseBox, WhatFitsIntoTheBoxComesBackAndWhatDoesNotIsAddedAround) {
  const Index grid = 7;
  for (const Index box : {5, 6, 7, 8}) {
    std::vector<double> volume(static_cast<std::size_t>(grid * grid * grid), 0.0);
    volume[place(grid, 3, 3, 3)] = 1;  // the origin
    volume[place(grid, 2, 4, 5)] = 2;  // -1, 1, 2
    std::vector<double> inside(static_cast<std::size_t>(box * box * box), 9.0);
    wrap_into<double>(grid, volume, box, inside);
    EXPECT_EQ(inside[0], 1);
    EXPECT_EQ(inside[place(box, -1, 1, 2)], 2);
    EXPECT_EQ(std::accumulate(inside.begin(), inside.end(), 0.0), 3);
    EXPECT_EQ(unwrap_from<double>(box, inside, grid), volume) << box;
  }
  std::vector<double> far(static_cast<std::size_t>(grid * grid * grid), 0.0);
  far[place(grid, 6, 3, 3)] = 4;  // 3, 0, 0
  far[place(grid, 1, 3, 3)] = 1;  // -2, 0, 0: the same voxel of a box of 5
  std::vector<double> inside(125);
  wrap_into<double>(grid, far, 5, inside);
  EXPECT_EQ(inside[place(5, 3, 0, 0)], 5);
}

TEST(PhaseBox, BlurIsTheTruncatedGaussianRoundTheCube) {
  const Index box = 6;
  std::vector<double> values(216, 0.0);
  values[place(box, 0, 5, 2)] = 1;
  blur<double>(box, 1.0, values);
  double norm = 0;
  for (int d = -2; d <= 2; ++d) norm += std::exp(-d * d / 2.0);
  const auto tap = [&](Index d) {
    return std::abs(d) > 2 ? 0.0 : std::exp(-static_cast<double>(d * d) / 2) / norm;
  };
  for (Index i = -3; i < 3; ++i) {
    for (Index j = -3; j < 3; ++j) {
      for (Index k = -3; k < 3; ++k) {
        EXPECT_NEAR(values[place(box, i, 5 + j, 2 + k)], tap(i) * tap(j) * tap(k), 1e-15);
      }
    }
  }
  const std::vector<double> before = values;
  blur<double>(box, 0.0, values);
  EXPECT_EQ(values, before);
}

TEST(PhaseBox, CentringTurnsTheCentreOfMassOntoTheOriginAcrossTheBorder) {
  const Index box = 8;
  std::vector<double> values(512, 0.0);
  const auto weight = [](Index d) { return d == 0 ? 2.0 : 1.0; };
  for (const Index d : {-1, 0, 1}) values[place(box, 7 + d, 2 - d, 4)] = weight(d);
  const auto shift = centring_shift<double>(box, values);
  const std::vector<double> centred = turned<double>(box, values, shift);
  for (const Index d : {-1, 0, 1}) {
    EXPECT_EQ(centred[place(box, d, -d, 0)], weight(d));
  }
}

}  // namespace
}  // namespace unfold::spi
