#include <gtest/gtest.h>

#include <numbers>
#include <stdexcept>

#include "tests/workers/nufft/direct_sum.h"

namespace unfold::nufft {
namespace {

/// A rotation about (1, 2, 3) by 0.7 rad, row-major.
template <class Real>
std::array<Real, 9> rotation() {
  const double angle = 0.7, norm = std::sqrt(14.0), n[3] = {1 / norm, 2 / norm, 3 / norm};
  const double s = std::sin(angle), c = std::cos(angle);
  std::array<Real, 9> r{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) {
      const std::size_t k = 3 - i - j;
      const double cross = i == j ? 0 : (j == (i + 1) % 3 ? -1 : 1) * n[k] * s;
      r[3 * i + j] = static_cast<Real>((i == j ? c : 0) + (1 - c) * n[i] * n[j] + cross);
    }
  return r;
}

template <class Real>
void expect_slices_within(double tolerance, const Modes& modes, double reach, compute::Isa isa) {
  compute::Cpu cpu(1);
  const auto f = test::normal_values<Real>(test::size_of(modes), 1);
  CosineGrid<Real> grid(cpu, modes, {.tolerance = tolerance, .isa = isa});
  grid.set({f.data(), modes[0], modes[1], modes[2]});
  const auto r = rotation<Real>();
  for (const Index count : {0, 1, 31, 257}) {
    auto base = test::uniform_points<Real>(count, 7);
    for (Real& b : base) b = static_cast<Real>(static_cast<double>(b) * reach);
    std::vector<Real> out(static_cast<std::size_t>(count));
    grid.rotated(r, {base.data(), count, 3}, out.data());
    std::vector<double> x(base.size());
    for (std::size_t p = 0; p < base.size(); p += 3)
      for (std::size_t d = 0; d < 3; ++d)
        for (std::size_t e = 0; e < 3; ++e)
          x[p + d] += static_cast<double>(r[3 * e + d]) * static_cast<double>(base[p + e]);
    const auto exact = test::direct_type2(modes, x, {f.begin(), f.end()}, +1);
    EXPECT_LE(test::errors_of(out, exact, test::norm_of(f)).l2, tolerance) << count;
  }
}

TEST(CosineGrid, SumsCosinesAtRotatedPointsWithinTheTolerance) {
  for (const compute::Isa isa : compute::available_isas()) {
    expect_slices_within<double>(1e-9, {11, 12, 13}, 0.55, isa);
    expect_slices_within<float>(1e-4, {11, 12, 13}, 0.55, isa);
  }
}

TEST(CosineGrid, FoldsPointsUpToTwoPi) {
  // |x| reaches sqrt(3) 1.1 pi along some axes.
  expect_slices_within<double>(1e-6, {6, 7, 8}, 1.1, compute::choose_isa());
  expect_slices_within<float>(1e-4, {6, 7, 8}, 1.1, compute::choose_isa());
}

TEST(CosineGrid, AgreesWithThePlanOfTheSamePoints) {
  compute::Cpu cpu(2);
  const Modes modes = {15, 15, 15};
  const auto f = test::normal_values<double>(test::size_of(modes), 1);
  const auto x = test::uniform_points<double>(500, 2);
  test::Transform<double> plan(cpu, modes, {.tolerance = 1e-8}, x);
  CosineGrid<double> grid(cpu, modes, {.tolerance = 1e-8});
  grid.set({f.data(), 15, 15, 15});
  std::vector<double> out(500);
  const std::array<double, 9> identity = {1, 0, 0, 0, 1, 0, 0, 0, 1};
  grid.rotated(identity, {x.data(), 500, 3}, out.data());
  const auto expected = plan.cosine2(f);
  EXPECT_LE(test::errors_of(out, {expected.begin(), expected.end()}, test::norm_of(f)).l2, 2e-8);
}

TEST(CosineGrid, RefusesModesOfAnotherShape) {
  compute::Cpu cpu(1);
  CosineGrid<float> grid(cpu, {4, 4, 4}, {.tolerance = 1e-3});
  const float f[64] = {};
  EXPECT_THROW(grid.set({f, 4, 2, 8}), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::nufft
