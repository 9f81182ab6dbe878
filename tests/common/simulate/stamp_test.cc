#include "common/simulate/stamp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "common/simulate/make_psf.h"

namespace unfold::simulate {
namespace {

double hermite(int m, double u) {
  if (m == 0) return 1;
  if (m == 1) return u;
  return u * hermite(m - 1, u) - (m - 1) * hermite(m - 2, u);
}

/// The PSF at a point, from the formula a person would write down.
double density(const fits::Psf& psf, int fibre, double wavelength, double x, double y) {
  const double sx = value_of(psf.core.sigma_x, fibre, wavelength);
  const double sy = value_of(psf.core.sigma_y, fibre, wavelength);
  const double u = (x - value_of(psf.x, fibre, wavelength)) / sx;
  const double v = (y - value_of(psf.y, fibre, wavelength)) / sy;
  double sum = 0;
  for (int i = 0; i <= psf.core.degree_x; ++i) {
    for (int j = 0; j <= psf.core.degree_y; ++j) {
      sum += value_of(psf.core.term(i, j), fibre, wavelength) * hermite(i, u) * hermite(j, v);
    }
  }
  return sum * std::exp(-(u * u + v * v) / 2) / (2 * std::numbers::pi * sx * sy);
}

/// Integral over pixel (x, y) by Gauss's 5-point rule on 4 x 4 pieces.
double integral(const fits::Psf& psf, int fibre, double wavelength, int x, int y) {
  constexpr double kNode[5] = {-0.906179845938664, -0.538469310105683, 0, 0.538469310105683,
                               0.906179845938664};
  constexpr double kWeight[5] = {0.236926885056189, 0.478628670499366, 0.568888888888889,
                                 0.478628670499366, 0.236926885056189};
  constexpr int kPieces = 4;
  const double half = 0.5 / kPieces;
  double sum = 0;
  for (int a = 0; a < kPieces * 5; ++a) {
    const double px = x - 0.5 + (2 * (a / 5) + 1 + kNode[a % 5]) * half;
    for (int b = 0; b < kPieces * 5; ++b) {
      const double py = y - 0.5 + (2 * (b / 5) + 1 + kNode[b % 5]) * half;
      sum += kWeight[a % 5] * kWeight[b % 5] * density(psf, fibre, wavelength, px, py);
    }
  }
  return sum * half * half;
}

TEST(StampTest, PixelsHoldTheIntegralOfTheProfile) {
  const fits::Psf psf = *make_psf("r0");
  const StampEvaluator evaluator(psf, StampEvaluator::Tails::kOff);
  for (const auto& [fibre, wavelength] : {std::pair{0, 5800.0}, {260, 6543.2}, {499, 7600.0}}) {
    const Stamp stamp = evaluator.evaluate(fibre, wavelength);
    ASSERT_EQ(stamp.nx, 17);
    ASSERT_EQ(stamp.ny, 11);
    std::vector<double> expected;
    for (int y = 0; y < stamp.ny; ++y) {
      for (int x = 0; x < stamp.nx; ++x) {
        expected.push_back(
            std::max(0.0, integral(psf, fibre, wavelength, stamp.x_begin + x, stamp.y_begin + y)));
      }
    }
    const double sum = std::accumulate(expected.begin(), expected.end(), 0.0);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(stamp.values[i], expected[i] / sum, 1e-11) << fibre << " pixel " << i;
    }
  }
}

TEST(StampTest, AllLightIsInTheStamp) {
  const fits::Psf psf = *make_psf("z4");
  const StampEvaluator evaluator(psf);
  const Stamp stamp = evaluator.evaluate(123, 8000);
  EXPECT_NEAR(std::accumulate(stamp.values.begin(), stamp.values.end(), 0.0), 1, 1e-14);
  EXPECT_GE(*std::min_element(stamp.values.begin(), stamp.values.end()), 0);
}

TEST(StampTest, AWholePixelOfShiftMovesTheStampAndNothingElse) {
  fits::Psf psf = *make_psf("r0");
  const Stamp before = StampEvaluator(psf).evaluate(10, 6000);
  for (int fibre = 0; fibre < psf.nspec; ++fibre) {
    psf.x.coefficients[static_cast<std::size_t>(fibre * psf.x.ncoef)] += 3;
    psf.y.coefficients[static_cast<std::size_t>(fibre * psf.y.ncoef)] -= 2;
  }
  const Stamp after = StampEvaluator(psf).evaluate(10, 6000);
  EXPECT_EQ(after.x_begin, before.x_begin + 3);
  EXPECT_EQ(after.y_begin, before.y_begin - 2);
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    EXPECT_NEAR(after.values[i], before.values[i], 1e-12);
  }
}

TEST(StampTest, TailsTakeLightFromTheCoreUnlessTheyAreOff) {
  fits::Psf psf = *make_psf("r0");
  for (int fibre = 0; fibre < psf.nspec; ++fibre) {
    psf.tail.amplitude.coefficients[static_cast<std::size_t>(fibre * psf.tail.amplitude.ncoef)] =
        1e-3;
  }
  const Stamp with = StampEvaluator(psf).evaluate(10, 6000);
  const Stamp without = StampEvaluator(psf, StampEvaluator::Tails::kOff).evaluate(10, 6000);
  EXPECT_GT(with.values.front(), 0.9e-3 / (8 * 8 + 5 * 5));
  EXPECT_LT(without.values.front(), 1e-9);
  EXPECT_LT(*std::max_element(with.values.begin(), with.values.end()),
            *std::max_element(without.values.begin(), without.values.end()));
}

}  // namespace
}  // namespace unfold::simulate
