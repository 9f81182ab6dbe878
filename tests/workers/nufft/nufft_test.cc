#include "workers/nufft/nufft.h"

#include <gtest/gtest.h>

#include <limits>
#include <numbers>
#include <stdexcept>

#include "tests/workers/nufft/direct_sum.h"

namespace unfold::nufft {
namespace {

using test::Complexes;
using test::Transform;

/// Errors of the four transforms of `count` random points against direct sums.
template <class Real>
void expect_within(double bound, const Modes& modes, Index count, const Options& options) {
  using Complex = std::complex<Real>;
  compute::Cpu cpu(2);
  const auto x = test::uniform_points<Real>(count, 1);
  const auto wide = test::widened(x);
  Transform<Real> transform(cpu, modes, options, x);
  const auto c = test::normal_values<Complex>(count, 2);
  const auto f = test::normal_values<Complex>(test::size_of(modes), 3);
  const auto real_c = test::normal_values<Real>(count, 4);
  const auto real_f = test::normal_values<Real>(test::size_of(modes), 5);
  const auto of_real_c = test::direct_type1(modes, wide, {real_c.begin(), real_c.end()}, +1);
  const auto of_real_f = test::direct_type2(modes, wide, {real_f.begin(), real_f.end()}, +1);

  const test::Errors found[] = {
      test::errors_of(transform.type1(c), test::direct_type1(modes, wide, test::widened(c), +1),
                      test::norm_of(c)),
      test::errors_of(transform.type1(c, -1), test::direct_type1(modes, wide, test::widened(c), -1),
                      test::norm_of(c)),
      test::errors_of(transform.type2(f), test::direct_type2(modes, wide, test::widened(f), -1),
                      test::norm_of(f)),
      test::errors_of(transform.type2(f, +1), test::direct_type2(modes, wide, test::widened(f), +1),
                      test::norm_of(f)),
      test::errors_of(transform.cosine1(real_c), of_real_c, test::norm_of(real_c)),
      test::errors_of(transform.cosine2(real_f), of_real_f, test::norm_of(real_f))};
  const char* names[] = {"type 1",         "type 1, sign -", "type 2",
                         "type 2, sign +", "cosine 1",       "cosine 2"};
  for (int i = 0; i < 6; ++i) {
    EXPECT_LE(found[i].l2, bound) << names[i] << ", " << count << " points";
    EXPECT_LE(found[i].largest, 3 * bound) << names[i] << ", " << count << " points";
  }
}

TEST(Nufft, HoldsEachDecadeOfToleranceInDouble) {
  for (int decade = 2; decade <= 12; ++decade) {
    SCOPED_TRACE(decade);
    expect_within<double>(std::pow(10.0, -decade), {12, 13, 14}, 600,
                          {.tolerance = std::pow(10.0, -decade)});
  }
}

TEST(Nufft, HoldsEachDecadeOfToleranceInFloat) {
  for (int decade = 2; decade <= 6; ++decade) {
    SCOPED_TRACE(decade);
    expect_within<float>(std::pow(10.0, -decade), {12, 13, 14}, 600,
                         {.tolerance = std::pow(10.0, -decade)});
  }
}

TEST(Nufft, HoldsItsToleranceAtEitherUpsampling) {
  for (const double upsampling : {1.25, 2.0}) {
    SCOPED_TRACE(upsampling);
    expect_within<double>(1e-6, {16, 15, 17}, 500, {.tolerance = 1e-6, .upsampling = upsampling});
    expect_within<float>(1e-4, {16, 15, 17}, 500, {.tolerance = 1e-4, .upsampling = upsampling});
  }
}

TEST(Nufft, TakesAnyNumberOfPointsAndModes) {
  for (const Index count : {0, 1, 31, 33, 1000})
    for (const Modes& modes : {Modes{1, 1, 1}, Modes{2, 3, 4}, Modes{7, 1, 6}, Modes{10, 9, 8}}) {
      SCOPED_TRACE(modes[0]);
      expect_within<double>(1e-9, modes, count, {.tolerance = 1e-9});
      expect_within<float>(1e-4, modes, count, {.tolerance = 1e-4});
    }
}

TEST(Nufft, EveryInstructionSetHoldsTheTolerance) {
  for (const compute::Isa isa : compute::available_isas()) {
    SCOPED_TRACE(compute::to_string(isa));
    expect_within<double>(1e-8, {9, 12, 11}, 300, {.tolerance = 1e-8, .isa = isa});
    expect_within<float>(1e-5, {9, 12, 11}, 300, {.tolerance = 1e-5, .isa = isa});
  }
}

TEST(Nufft, FoldsPointsOfManyTurnsAndThoseOnTheSeam) {
  compute::Cpu cpu(1);
  constexpr double pi = std::numbers::pi;
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
  Transform<double> transform(cpu, modes, {.tolerance = 1e-9}, x);
  const auto f = test::normal_values<std::complex<double>>(512, 3);
  EXPECT_LE(
      test::errors_of(transform.type2(f), test::direct_type2(modes, x, f, -1), test::norm_of(f)).l2,
      1e-9);
}

TEST(Nufft, PointsBeyondAllPrecisionStayInsideTheGrid) {
  compute::Cpu cpu(1);
  const std::vector<double> x = {1e300, -1e300, 1e18, -3e18, std::numeric_limits<double>::max(), 0};
  Transform<double> transform(cpu, {8, 8, 8}, {}, x);
  const auto f = test::normal_values<std::complex<double>>(512, 3);
  for (const auto& value : transform.type2(f)) EXPECT_TRUE(std::isfinite(std::abs(value)));
}

template <class Real>
void expect_adjoint(const Modes& modes, double rounding) {
  using Complex = std::complex<Real>;
  compute::Cpu cpu(2);
  Transform<Real> transform(cpu, modes, {.tolerance = 1e-3}, test::uniform_points<Real>(700, 9));
  const auto c = test::normal_values<Complex>(700, 2);
  const auto f = test::normal_values<Complex>(test::size_of(modes), 3);
  const auto inner = [](const Complexes& a, const Complexes& b) {
    std::complex<double> sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * std::conj(b[i]);
    return sum;
  };
  const auto norm = [&](const Complexes& a) { return std::sqrt(inner(a, a).real()); };
  const auto f1 = test::widened(transform.type1(c)), c2 = test::widened(transform.type2(f));
  const auto f_wide = test::widened(f), c_wide = test::widened(c);
  EXPECT_LE(std::abs(inner(f1, f_wide) - inner(c_wide, c2)), rounding * norm(f1) * norm(f_wide));

  const auto real_c = test::normal_values<Real>(700, 4);
  const auto real_f = test::normal_values<Real>(test::size_of(modes), 5);
  const auto g1 = transform.cosine1(real_c), d2 = transform.cosine2(real_f);
  const auto as_complex = [](const std::vector<Real>& v) { return Complexes(v.begin(), v.end()); };
  EXPECT_LE(std::abs(inner(as_complex(g1), as_complex(real_f)) -
                     inner(as_complex(real_c), as_complex(d2))),
            rounding * norm(as_complex(g1)) * norm(as_complex(real_f)));
}

TEST(Nufft, TypesOneAndTwoAreAdjointToRoundOffWhateverTheTolerance) {
  expect_adjoint<double>({9, 9, 9}, 1e-14);
  expect_adjoint<double>({10, 7, 12}, 1e-14);
  expect_adjoint<float>({9, 9, 9}, 1e-6);
}

TEST(Nufft, GivesTheSameBitsForAnyNumberOfThreads) {
  const Modes modes = {20, 21, 22};
  const auto x = test::uniform_points<float>(20000, 1);
  const auto c = test::normal_values<std::complex<float>>(20000, 2);
  const auto f = test::normal_values<float>(test::size_of(modes), 3);
  compute::Cpu one(1), three(3);
  Transform<float> first(one, modes, {.tolerance = 1e-4}, x),
      second(three, modes, {.tolerance = 1e-4}, x);
  EXPECT_EQ(first.type1(c), second.type1(c));
  EXPECT_EQ(first.cosine2(f), second.cosine2(f));
}

TEST(Nufft, ATransformLeavesNothingBehindForTheNext) {
  compute::Cpu cpu(1);
  const Modes modes = {8, 9, 10};
  Transform<double> transform(cpu, modes, {}, test::uniform_points<double>(100, 1));
  const auto c = test::normal_values<std::complex<double>>(100, 2);
  const auto first = transform.type1(c);
  transform.type2(first);
  EXPECT_EQ(transform.type1(c), first);
}

TEST(Nufft, RefusesWhatItCannotHoldWithAReason) {
  compute::Cpu cpu(1);
  EXPECT_THROW(Plan<double>(cpu, {8, 8, 8}, {.tolerance = 1e-13}), std::invalid_argument);
  EXPECT_THROW(Plan<double>(cpu, {8, 8, 8}, {.tolerance = 0.5}), std::invalid_argument);
  EXPECT_THROW(Plan<float>(cpu, {8, 8, 8}, {.tolerance = 1e-7}), std::invalid_argument);
  EXPECT_THROW(Plan<double>(cpu, {8, 0, 8}), std::invalid_argument);
  EXPECT_THROW(Plan<double>(cpu, {8, 8, 8}, {.upsampling = 1}), std::invalid_argument);
  EXPECT_THROW(Plan<double>(cpu, {8, 8, 8}, {.tolerance = 1e-12, .upsampling = 1.25}),
               std::invalid_argument);
  Plan<double> plan(cpu, {8, 8, 8});
  const double nan[] = {0, std::nan(""), 0}, pair[] = {0, 0};
  EXPECT_THROW(plan.set_points({nan, 1, 3}), std::invalid_argument);
  EXPECT_THROW(plan.set_points({pair, 1, 2}), std::invalid_argument);
  const double point[] = {0, 1, 2};
  plan.set_points({point, 1, 3});
  double value[2] = {}, modes[512] = {};
  EXPECT_THROW(plan.cosine1({value, 2}, {modes, 8, 8, 8}), std::invalid_argument);
  EXPECT_THROW(plan.cosine1({value, 1}, {modes, 8, 8, 7}), std::invalid_argument);
}

}  // namespace
}  // namespace unfold::nufft
