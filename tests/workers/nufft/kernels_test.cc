#include <gtest/gtest.h>

#include <numbers>

#include "tests/workers/nufft/direct_sum.h"
#include "workers/nufft/dispatch.h"
#include "workers/nufft/functors.h"
#include "workers/nufft/window.h"

// Every kernel of every instruction set against the functors, which are read by eye.
namespace unfold::nufft {
namespace {

template <class Real>
constexpr double kRounding = sizeof(Real) == 4 ? 3e-6 : 1e-14;

/// A grid of 3 x 3 windows' extent and points whose windows lie inside it.
template <class Real, int Parts>
struct Small {
  int width;
  Index row = 64, plane = 64 * 24, cells = 64 * 24 * 24;
  Window window;
  std::vector<Real> once, last;
  std::vector<Point<Real>> points;

  Small(int w, Index count)
      : width(w),
        window(w, 2),
        once(window.template coefficients<Real>(1, 0, kStride)),
        last(window.template coefficients<Real>(Parts, kLead, kLastStride)) {
    compute::Random random(3, 0, 0);
    const auto below = [&](Index n) {
      return static_cast<Index>(random.uniform() * static_cast<double>(n));
    };
    for (Index p = 0; p < count; ++p) {
      Point<Real> point{};
      for (Real& y : point.y) y = static_cast<Real>(2 * random.uniform() - 1);
      point.offset =
          static_cast<std::uint32_t>(below(24 - w) * plane + below(24 - w) * row + below(48));
      points.push_back(point);
    }
  }
  Run<Real> run() const {
    return {points.data(), static_cast<Size>(points.size()), once.data(), last.data(), plane, row};
  }
  WindowView<Real> view() const { return {once.data(), width, degree_of(width), kStride}; }
};

template <class Real>
void expect_near(const std::vector<Real>& got, const std::vector<Real>& exact, double scale) {
  double worst = 0;
  for (std::size_t i = 0; i < exact.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(got[i]) - static_cast<double>(exact[i])));
  EXPECT_LE(worst, kRounding<Real> * scale);
}

template <class Real, int Parts>
void expect_walks_as_the_functors(const Kernels<Real>& kernels, int width) {
  for (const Index count : {0, 1, 31, 33, 200}) {
    const Small<Real, Parts> small(width, count);
    const auto cells = static_cast<std::size_t>(Parts * small.cells);
    const auto values = test::normal_values<Real>(Parts * count, 4);
    std::vector<Real> got(cells), exact(cells);
    kernels.spread[Parts - 1][width](small.run(), values.data(), got.data());
    const SpreadPoint<Real, Parts> spread{small.view(), {exact.data(), small.plane, small.row}};
    for (Index p = 0; p < count; ++p)
      spread(small.points[static_cast<std::size_t>(p)], values.data() + Parts * p);
    expect_near(got, exact, 10);

    std::vector<Real> grid(cells);
    for (std::size_t i = 0; i < cells; ++i) grid[i] = static_cast<Real>(i * 37 % 101) / 50 - 1;
    std::vector<Real> looked(values.size()), right(values.size());
    kernels.gather[Parts - 1][width](small.run(), grid.data(), looked.data());
    const GatherPoint<Real, Parts> gather{small.view(), {grid.data(), small.plane, small.row}};
    for (Index p = 0; p < count; ++p)
      gather(small.points[static_cast<std::size_t>(p)], right.data() + Parts * p);
    expect_near(looked, right, 30);
  }
}

template <class Real>
void expect_places_as_the_functor(const Kernels<Real>& kernels) {
  constexpr Index kCells[3] = {48, 50, 54}, kRow = 80, kPlane = 80 * 60;
  for (const int width : {2, 7, 16}) {
    auto x = test::uniform_points<Real>(999, 6);
    const double pi = std::numbers::pi;
    for (const double special : {0.0, pi, -pi, 2 * pi, -1e-17, 1e10, -1e10, 7.5, -300.25})
      x.push_back(static_cast<Real>(special));
    const auto count = static_cast<Index>(x.size()) / 3;
    const Placing<Real> task{x.data(), count, {48, 50, 54}, {3, 4, 2}, kPlane, kRow, width};
    std::vector<Point<Real>> points(x.size() / 3);
    std::vector<std::uint32_t> keys(x.size() / 3);
    kernels.place(task, points.data(), keys.data());
    for (std::size_t p = 0; p < points.size(); ++p) {
      const Index stride[3] = {kPlane, kRow, 1}, size[3] = {16, 16, 32}, bin[3] = {2, 2, 8};
      Index offset = 0, box = 0, inside = 0;
      for (std::size_t d = 0; d < 3; ++d) {
        const double n = static_cast<double>(kCells[d]);
        const Place place =
            Locate{n / (2 * pi), kCells[d], width}(static_cast<double>(x[3 * p + d]));
        EXPECT_NEAR(points[p].y[d], place.y, 1e-6);
        offset += place.start * stride[d];
        box = box * task.boxes[d] + place.start / size[d];
        inside = inside * (size[d] / bin[d]) + place.start % size[d] / bin[d];
      }
      EXPECT_EQ(points[p].offset, offset);
      EXPECT_EQ(keys[p], box * 256 + inside);
    }
  }
}

class NufftKernels : public testing::TestWithParam<compute::Isa> {};

TEST_P(NufftKernels, SpreadAndGatherAsTheFunctorsForEveryWidth) {
  const KernelTable& table = kernels(GetParam());
  for (int width = kMinWidth; width <= kMaxWidth; ++width) {
    SCOPED_TRACE(width);
    expect_walks_as_the_functors<float, 1>(table.f32, width);
    expect_walks_as_the_functors<float, 2>(table.f32, width);
    expect_walks_as_the_functors<double, 1>(table.f64, width);
    expect_walks_as_the_functors<double, 2>(table.f64, width);
  }
}

TEST_P(NufftKernels, PlaceAsTheFunctorWhateverTheTurn) {
  expect_places_as_the_functor<float>(kernels(GetParam()).f32);
  expect_places_as_the_functor<double>(kernels(GetParam()).f64);
}

INSTANTIATE_TEST_SUITE_P(Isa, NufftKernels, testing::ValuesIn(compute::available_isas()),
                         [](const auto& made) { return compute::to_string(made.param); });

TEST(NufftFunctors, LocateFindsTheWindowOfAPointOnACell) {
  // Cell 3 of 10: a window of 4 cells holds cells 1 .. 4, 2 cells below the point (t = 0).
  const double turn = 2 * std::numbers::pi;
  const Place place = Locate{10 / turn, 10, 4}(3 * turn / 10 + 1e-9);
  EXPECT_EQ(place.start, 2);
  EXPECT_NEAR(place.y, 1, 1e-6);
  EXPECT_EQ((Locate{10 / turn, 10, 4}(0.5 * turn / 10).start), 9);
}

TEST(NufftWindow, PolynomialsAreTheProlateFunction) {
  for (const int width : {2, 6, 7, 13, 16}) {
    const Window window(width, 2);
    const Prolate exact(0.99 * std::numbers::pi * width * 0.75);
    const auto coefficients = window.coefficients<double>(1, 0, kStride);
    const WindowView<double> view{coefficients.data(), width, degree_of(width), kStride};
    for (const double y : {-1.0, -0.3, 0.0, 0.8, 1.0}) {
      double value[kMaxWidth];
      view(y, value);
      for (int j = 0; j < width; ++j)
        EXPECT_NEAR(value[j], exact((2 * j + y + 1) / width - 1),
                    std::max(alias_error(width, 2) / 4, 1e-13));
    }
  }
}

TEST(NufftWindow, ProlateIsItsOwnTransform) {
  const double c = 20;
  const Prolate prolate(c);
  EXPECT_NEAR(prolate(0), 1, 1e-14);
  for (const double w : {0.0, 5.0, 20.0}) {
    double integral = 0;  // Simpson
    constexpr int kSteps = 4000;
    for (int i = 0; i <= kSteps; ++i) {
      const double t = -1 + 2.0 * i / kSteps;
      const double weight = i == 0 || i == kSteps ? 1 : i % 2 == 1 ? 4 : 2;
      integral += weight * prolate(t) * std::cos(w * t) * 2 / kSteps / 3;
    }
    EXPECT_NEAR(prolate.transform(w), integral, 1e-12);
  }
}

}  // namespace
}  // namespace unfold::nufft
