#include "workers/nufft/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <stdexcept>

#include "workers/nufft/smooth.h"

namespace unfold::nufft {
namespace {

template <class Real>
using Complex = std::complex<Real>;

constexpr std::array<Index, 3> kShape = {4, 3, 5};
constexpr Index kSize = 4 * 3 * 5;

Index at(Index a, Index b, Index c) { return (a * kShape[1] + b) * kShape[2] + c; }

/// exp(sign 2 pi i (a x / 4 + b y / 3 + c z / 5)).
Complex<double> wave(int sign, Index a, Index b, Index c, Index x, Index y, Index z) {
  const double phase = static_cast<double>(a * x) / 4 + static_cast<double>(b * y) / 3 +
                       static_cast<double>(c * z) / 5;
  return std::polar(1.0, sign * 2 * std::numbers::pi * phase);
}

template <class Real>
class Fft : public testing::Test {
 protected:
  static constexpr double kRounding = sizeof(Real) == 4 ? 1e-5 : 1e-13;
};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Fft, Reals);

TYPED_TEST(Fft, ForwardFindsTheOneModeThatAWaveHas) {
  using Real = TypeParam;
  const ComplexFft<Real> fft(kShape);
  FftBuffer<Complex<Real>> data(kSize);
  for (Index x = 0; x < 4; ++x)
    for (Index y = 0; y < 3; ++y)
      for (Index z = 0; z < 5; ++z)
        data[at(x, y, z)] = static_cast<Complex<Real>>(wave(+1, 3, 1, 2, x, y, z));
  fft.forward(data.data());
  for (Index i = 0; i < kSize; ++i)
    EXPECT_NEAR(std::abs(data[i] - Complex<Real>(i == at(3, 1, 2) ? kSize : 0)), 0,
                this->kRounding * kSize);
}

TYPED_TEST(Fft, BackwardUndoesForwardButForTheSize) {
  using Real = TypeParam;
  const ComplexFft<Real> fft(kShape);
  FftBuffer<Complex<Real>> data(kSize);
  for (Index i = 0; i < kSize; ++i) data[i] = {static_cast<Real>(i), static_cast<Real>(i % 7)};
  fft.forward(data.data());
  fft.backward(data.data());
  for (Index i = 0; i < kSize; ++i)
    EXPECT_NEAR(std::abs(data[i] / static_cast<Real>(kSize) -
                         Complex<Real>(static_cast<Real>(i), static_cast<Real>(i % 7))),
                0, this->kRounding * kSize);
}

TYPED_TEST(Fft, RealTransformIsHalfOfTheComplexOneAndIsUndone) {
  using Real = TypeParam;
  const ComplexFft<Real> complex(kShape);
  const RealFft<Real> real(kShape);
  FftBuffer<Complex<Real>> full(kSize), half(real.half_size());
  FftBuffer<Real> data(kSize), back(kSize);
  for (Index i = 0; i < kSize; ++i) full[i] = data[i] = static_cast<Real>((i * 13) % 11);
  complex.forward(full.data());
  real.forward(data.data(), half.data());
  ASSERT_EQ(real.half_size(), 4 * 3 * 3);
  for (Index row = 0; row < 4 * 3; ++row)
    for (Index z = 0; z < 3; ++z)
      EXPECT_NEAR(std::abs(half[row * 3 + z] - full[row * 5 + z]), 0, this->kRounding * kSize);
  real.backward(half.data(), back.data());
  for (Index i = 0; i < kSize; ++i) EXPECT_NEAR(back[i] / kSize, data[i], this->kRounding * kSize);
}

TYPED_TEST(Fft, RefusesDataOffTheBorderAndEmptyShapes) {
  using Real = TypeParam;
  const ComplexFft<Real> fft(kShape);
  FftBuffer<Real> data(2 * kSize + 1);
  auto* off = reinterpret_cast<Complex<Real>*>(data.data() + 1);
  EXPECT_THROW(fft.forward(off), std::invalid_argument);
  EXPECT_THROW(ComplexFft<Real>({4, 0, 4}), std::invalid_argument);
  EXPECT_THROW(RealFft<Real>({4, 4, 0}), std::invalid_argument);
}

TEST(Smooth, IsTheNextProductOfTwoThreeAndFive) {
  EXPECT_EQ(next_smooth(1), 1);
  EXPECT_EQ(next_smooth(7), 8);
  EXPECT_EQ(next_smooth(73), 75);
  EXPECT_EQ(next_smooth(161), 162);
  EXPECT_EQ(next_smooth(257), 270);
}

}  // namespace
}  // namespace unfold::nufft
