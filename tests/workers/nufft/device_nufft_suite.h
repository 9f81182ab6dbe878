#pragma once

#include <cmath>
#include <concepts>

#include "tests/support/on_device.h"
#include "tests/workers/nufft/device_transform.h"
#include "tests/workers/nufft/direct_sum.h"
#include "workers/nufft/device/device_nufft.h"

// The CPU library's cases (nufft_test.cc) on any device, at the tolerances asked for.
namespace unfold::test {

using nufft::DeviceNufft;
using nufft::DeviceOptions;
using nufft::kPointsOfPart;

template <class D>
class DeviceTransforms : public OnDevice<D> {
 protected:
  template <class Real, int Parts>
  using OfPoints = DeviceTransform<D, Real, Parts>;

  /// Errors of the four transforms of random points against direct sums.
  template <class Real>
  void expect_within(double bound, const Modes& modes, Index count, const DeviceOptions& options) {
    const auto x = uniform_points<Real>(count, 1);
    expect_within_at(bound, modes, x, options);
  }

  template <class Real>
  void expect_within_at(double bound, const Modes& modes, const std::vector<Real>& x,
                        const DeviceOptions& options) {
    const auto count = static_cast<Index>(x.size()) / 3;
    const auto wide = widened(x);
    OfPoints<Real, 2> complex(modes, options, x);
    const auto c = normal_values<std::complex<Real>>(count, 2);
    const auto f = normal_values<std::complex<Real>>(size_of(modes), 3);
    const auto check = [&](const auto& got, const Complexes& exact, const auto& input,
                           const char* name) {
      const Errors found = errors_of(got, exact, norm_of(input));
      EXPECT_LE(found.l2, bound) << name << ", " << count << " points";
      EXPECT_LE(found.largest, 3 * bound) << name << ", " << count << " points";
    };
    const auto wide_c = widened(c), wide_f = widened(f);
    check(complex.type1(c), direct_type1(modes, wide, wide_c, +1), c, "type 1");
    check(complex.type1(c, -1), direct_type1(modes, wide, wide_c, -1), c, "type 1, -");
    check(complex.type2(f), direct_type2(modes, wide, wide_f, -1), f, "type 2");
    check(complex.type2(f, +1), direct_type2(modes, wide, wide_f, +1), f, "type 2, +");
    OfPoints<Real, 1> cosine(modes, options, x);
    const auto real_c = normal_values<Real>(count, 4);
    const auto real_f = normal_values<Real>(size_of(modes), 5);
    check(cosine.type1(real_c), direct_type1(modes, wide, {real_c.begin(), real_c.end()}, +1),
          real_c, "cosine 1");
    check(cosine.type2(real_f), direct_type2(modes, wide, {real_f.begin(), real_f.end()}, +1),
          real_f, "cosine 2");
  }

  /// <type1 c, f> = <c, type2 f>.
  template <class Real>
  void expect_adjoint(const Modes& modes, double rounding) {
    OfPoints<Real, 2> transform(modes, {.tolerance = 1e-3}, uniform_points<Real>(700, 9));
    const auto c = normal_values<std::complex<Real>>(700, 2);
    const auto f = normal_values<std::complex<Real>>(size_of(modes), 3);
    const auto inner = [](const Complexes& a, const Complexes& b) {
      std::complex<double> sum = 0;
      for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * std::conj(b[i]);
      return sum;
    };
    const auto f1 = widened(transform.type1(c)), c2 = widened(transform.type2(f));
    const auto wide_f = widened(f), wide_c = widened(c);
    EXPECT_LE(std::abs(inner(f1, wide_f) - inner(wide_c, c2)),
              rounding * norm_of(f1) * norm_of(wide_f));
  }
};
TYPED_TEST_SUITE_P(DeviceTransforms);

TYPED_TEST_P(DeviceTransforms, HoldEachDecadeOfToleranceInDouble) {
  for (int decade = 2; decade <= 12; ++decade) {
    SCOPED_TRACE(decade);
    const double tolerance = std::pow(10.0, -decade);
    this->template expect_within<double>(tolerance, {12, 13, 14}, 300, {.tolerance = tolerance});
  }
}
TYPED_TEST_P(DeviceTransforms, HoldEachDecadeOfToleranceInFloat) {
  for (int decade = 2; decade <= 6; ++decade) {
    SCOPED_TRACE(decade);
    const double tolerance = std::pow(10.0, -decade);
    this->template expect_within<float>(tolerance, {12, 13, 14}, 300, {.tolerance = tolerance});
  }
}
TYPED_TEST_P(DeviceTransforms, HoldTheirToleranceAtEitherUpsampling) {
  for (const double upsampling : {1.25, 2.0}) {
    SCOPED_TRACE(upsampling);
    this->template expect_within<double>(1e-6, {16, 15, 17}, 300,
                                         {.tolerance = 1e-6, .upsampling = upsampling});
    this->template expect_within<float>(1e-4, {16, 15, 17}, 300,
                                        {.tolerance = 1e-4, .upsampling = upsampling});
  }
}
TYPED_TEST_P(DeviceTransforms, TakeAnyNumberOfPointsAndModes) {
  for (const Index count : {0, 1, 31, 33, 700})
    for (const Modes& modes : {Modes{1, 1, 1}, Modes{2, 3, 4}, Modes{7, 1, 6}, Modes{10, 9, 8}}) {
      SCOPED_TRACE(modes[0]);
      this->template expect_within<double>(1e-9, modes, count, {.tolerance = 1e-9});
      this->template expect_within<float>(1e-4, modes, count, {.tolerance = 1e-4});
    }
}
TYPED_TEST_P(DeviceTransforms, ShareABinThatHoldsNearlyAllPoints) {
  auto x = uniform_points<float>(2 * kPointsOfPart + 77, 1);
  for (std::size_t i = 300; i < x.size(); ++i) x[i] = 0.3f + 0.01f * x[i];
  this->template expect_within_at<float>(1e-4, {6, 7, 5}, x, {.tolerance = 1e-4});
}
TYPED_TEST_P(DeviceTransforms, FoldPointsOfManyTurnsAndThoseOnTheSeam) {
  constexpr double pi = 3.14159265358979323846;
  const Modes modes = {8, 8, 8};
  const std::vector<double> x = {pi,
                                 -pi,
                                 0,
                                 5 * pi,
                                 -7.25 * pi,
                                 -1e-17,
                                 40,
                                 -900,
                                 2 * pi,
                                 1e-300,
                                 std::nextafter(pi, 0),
                                 -pi + 1e-15};
  this->template expect_within_at<double>(1e-9, modes, x, {.tolerance = 1e-9});
}
TYPED_TEST_P(DeviceTransforms, PointsThatAreNoNumbersStayInsideTheGrid) {
  const std::vector<double> x = {1e300, -1e300, 1e18, -3e18, std::nan(""), INFINITY};
  typename TestFixture::template OfPoints<double, 2> transform({8, 8, 8}, {}, x);
  const auto c = normal_values<std::complex<double>>(2, 3);
  EXPECT_EQ(transform.type1(c).size(), 512u);
}
TYPED_TEST_P(DeviceTransforms, TypesOneAndTwoAreAdjointToRoundOff) {
  this->template expect_adjoint<double>({9, 9, 9}, 1e-14);
  this->template expect_adjoint<double>({10, 7, 12}, 1e-14);
  this->template expect_adjoint<float>({9, 9, 9}, 1e-6);
}
TYPED_TEST_P(DeviceTransforms, DoNotDependOnTheOrderOfThreads) {
  // On a GPU: another stream, whose blocks come as they may.
  constexpr bool kEmulated = std::derived_from<TypeParam, Emulated>;
  using Other = std::conditional_t<kEmulated, Emulated, TypeParam>;
  const Modes modes = {20, 21, 22};
  const auto x = uniform_points<float>(9000, 1);
  const auto c = normal_values<float>(9000, 2);
  typename TestFixture::template OfPoints<float, 1> here(modes, {.tolerance = 1e-4}, x);
  typename DeviceTransforms<Other>::template OfPoints<float, 1> there(modes, {.tolerance = 1e-4},
                                                                      x);
  const auto f = here.type1(c);
  EXPECT_EQ(f, there.type1(c));
  EXPECT_EQ(here.type2(f), there.type2(f));
}
TYPED_TEST_P(DeviceTransforms, GiveTheSameBitsAgainAndForPointsSetAgain) {
  const Modes modes = {20, 21, 22};
  const auto x = uniform_points<float>(9000, 1);
  const auto c = normal_values<std::complex<float>>(9000, 2);
  typename TestFixture::template OfPoints<float, 2> transform(modes, {.tolerance = 1e-4}, x);
  const auto first = transform.type1(c), points = transform.type2(first);
  EXPECT_EQ(transform.type1(c), first);
  transform.set(uniform_points<float>(500, 8));
  transform.set(x);
  EXPECT_EQ(transform.type1(c), first);
  EXPECT_EQ(transform.type2(first), points);
}
TYPED_TEST_P(DeviceTransforms, RefuseWhatTheyCannotHold) {
  TypeParam device(0);
  using Double = DeviceNufft<TypeParam, double, 2>;
  EXPECT_THROW(Double(device, {8, 8, 8}, {.tolerance = 1e-13}), std::invalid_argument);
  EXPECT_THROW(Double(device, {8, 0, 8}, {}), std::invalid_argument);
  EXPECT_THROW(Double(device, {8, 8, 8}, {.tolerance = 1e-6, .upsampling = 1}),
               std::invalid_argument);
}

REGISTER_TYPED_TEST_SUITE_P(DeviceTransforms, HoldEachDecadeOfToleranceInDouble,
                            HoldEachDecadeOfToleranceInFloat, HoldTheirToleranceAtEitherUpsampling,
                            TakeAnyNumberOfPointsAndModes, ShareABinThatHoldsNearlyAllPoints,
                            FoldPointsOfManyTurnsAndThoseOnTheSeam,
                            PointsThatAreNoNumbersStayInsideTheGrid,
                            TypesOneAndTwoAreAdjointToRoundOff, DoNotDependOnTheOrderOfThreads,
                            GiveTheSameBitsAgainAndForPointsSetAgain, RefuseWhatTheyCannotHold);

}  // namespace unfold::test

#define UNFOLD_DEVICE_SUITE DeviceTransforms
