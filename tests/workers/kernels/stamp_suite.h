#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/made_psf.h"
#include "workers/kernels/extraction/psf_parameter.h"

/// PSF stamps on any device against a plain sum over all terms, pixel by pixel. A device is a type
/// with `static std::string unavailable()` (a reason to skip, or empty) and
/// `static std::vector<double> make(const StampCase&)` [n_fibre, n_wave, height, width].
namespace unfold::extraction {

/// Largest error of a stamp's pixel, whose sum is 1.
inline constexpr double kStampTolerance = 1e-13;

struct StampCase {
  int n_fibre = 1, n_wave = 1, n_coef = 2;
  int degree = 6, half_x = 8, half_y = 5;
  int width() const { return 2 * half_x + 1; }
  int height() const { return 2 * half_y + 1; }
  int n_row() const { return kFirstGh + (degree + 1) * (degree + 1); }
  std::vector<double> coef, basis, offset_x, offset_y;
};

inline StampCase make_stamp_case(int n_fibre, int n_wave, int degree) {
  StampCase c;
  c.n_fibre = n_fibre;
  c.n_wave = n_wave;
  c.degree = degree;
  test::Draws draws(static_cast<std::uint64_t>(n_fibre * 1000 + n_wave * 10 + degree));
  for (int row = 0; row < c.n_row(); ++row) {
    for (int f = 0; f < n_fibre; ++f) {
      const bool sigma = row == kSigmaX || row == kSigmaY;
      c.coef.push_back(sigma             ? 0.8 + draws.uniform()
                       : row == kFirstGh ? 1
                                         : 0.1 * draws.uniform() - 0.05);
      c.coef.push_back(0.02 * draws.uniform());
    }
  }
  for (int w = 0; w < n_wave; ++w) c.basis.push_back(1);
  for (int w = 0; w < n_wave; ++w) c.basis.push_back(2 * draws.uniform() - 1);
  for (int i = 0; i < n_fibre * n_wave; ++i) {
    c.offset_x.push_back(-c.half_x - 0.5 + draws.uniform());
    c.offset_y.push_back(-c.half_y - 0.5 + draws.uniform());
  }
  return c;
}

/// Integral over one pixel of He_m phi in long double, by the antiderivative.
inline long double pixel_integral(int m, long double low, long double high) {
  const auto antiderivative = [m](long double u) {
    if (m == 0) return std::erf(u / std::sqrt(2.0L)) / 2;
    long double before = 0, hermite = 1;
    for (int k = 1; k < m; ++k) {
      const long double next = u * hermite - (k - 1) * before;
      before = hermite;
      hermite = next;
    }
    return -hermite * std::exp(-u * u / 2) / std::sqrt(2 * 3.14159265358979323846264338L);
  };
  return antiderivative(high) - antiderivative(low);
}

inline std::vector<double> plain_stamp(const StampCase& c, int fibre, int wave) {
  const auto parameter = [&](int row) {
    long double v = 0;
    for (int k = 0; k < c.n_coef; ++k) {
      v += static_cast<long double>(
               c.coef[static_cast<std::size_t>((row * c.n_fibre + fibre) * c.n_coef + k)]) *
           c.basis[static_cast<std::size_t>(k * c.n_wave + wave)];
    }
    return v;
  };
  const std::size_t at = static_cast<std::size_t>(fibre * c.n_wave + wave);
  const auto along = [&](int m, int k, double offset, int sigma_row) {
    const long double sigma = parameter(sigma_row);
    return pixel_integral(m, (offset + k - 0.5L) / sigma, (offset + k + 0.5L) / sigma);
  };
  std::vector<long double> stamp;
  long double total = 0;
  for (int y = 0; y < c.height(); ++y) {
    for (int x = 0; x < c.width(); ++x) {
      long double v = 0;
      for (int i = 0; i <= c.degree; ++i) {
        for (int j = 0; j <= c.degree; ++j) {
          v += parameter(kFirstGh + i * (c.degree + 1) + j) * along(i, x, c.offset_x[at], kSigmaX) *
               along(j, y, c.offset_y[at], kSigmaY);
        }
      }
      stamp.push_back(v > 0 ? v : 0);
      total += stamp.back();
    }
  }
  std::vector<double> out;
  for (const long double v : stamp) out.push_back(static_cast<double>(v / total));
  return out;
}

template <class OnDevice>
class Stamps : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string why = OnDevice::unavailable();
    if (!why.empty()) GTEST_SKIP() << why;
  }
  void expect_plain(const StampCase& c) {
    const std::vector<double> got = OnDevice::make(c);
    const std::size_t size = static_cast<std::size_t>(c.width() * c.height());
    ASSERT_EQ(got.size(), size * static_cast<std::size_t>(c.n_fibre * c.n_wave));
    double worst = 0;
    for (int f = 0; f < c.n_fibre; ++f) {
      for (int w = 0; w < c.n_wave; ++w) {
        const std::vector<double> want = plain_stamp(c, f, w);
        const std::size_t first = static_cast<std::size_t>(f * c.n_wave + w) * size;
        for (std::size_t p = 0; p < size; ++p) {
          worst = std::max(worst, std::fabs(got[first + p] - want[p]));
        }
      }
    }
    EXPECT_LT(worst, kStampTolerance) << c.n_fibre << " fibres, " << c.n_wave << " waves";
  }
};
TYPED_TEST_SUITE_P(Stamps);

TYPED_TEST_P(Stamps, EqualThePlainSumForAnyCount) {
  for (const int n_wave : {1, 7, 8, 9, 31, 32, 33})
    this->expect_plain(make_stamp_case(1, n_wave, 3));
  this->expect_plain(make_stamp_case(3, 5, 3));
}
TYPED_TEST_P(Stamps, EqualThePlainSumForAnyDegree) {
  for (const int degree : {0, 1, 2, 6, 8}) this->expect_plain(make_stamp_case(2, 3, degree));
}
TYPED_TEST_P(Stamps, EqualThePlainSumForNarrowCores) {
  StampCase c = make_stamp_case(1, 4, 2);
  c.coef[kSigmaX * 2] = 0.2;
  c.coef[kSigmaY * 2] = 0.25;
  this->expect_plain(c);
}
TYPED_TEST_P(Stamps, SumToOneAndAreNowhereNegative) {
  const std::vector<double> stamps = TypeParam::make(make_stamp_case(2, 8, 6));
  double total = 0;
  for (const double v : stamps) {
    EXPECT_GE(v, 0);
    total += v;
  }
  EXPECT_NEAR(total, 16, 1e-12);
}

REGISTER_TYPED_TEST_SUITE_P(Stamps, EqualThePlainSumForAnyCount, EqualThePlainSumForAnyDegree,
                            EqualThePlainSumForNarrowCores, SumToOneAndAreNowhereNegative);

}  // namespace unfold::extraction
