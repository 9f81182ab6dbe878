#include "workers/kernels/spi/score_terms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace unfold::spi {
namespace {

TEST(LogTest, AgreesWithDoubleOverAllMagnitudes) {
  for (double x = 1e-37; x < 1e38; x *= 1.00137) {
    const auto rounded = static_cast<float>(x);
    const double exact = std::log(static_cast<double>(rounded));
    EXPECT_NEAR(Log()(rounded), exact, 2e-7 * std::max(1.0, std::abs(exact))) << rounded;
  }
}

TEST(LogTest, KeepsRelativeAccuracyNearOne) {
  EXPECT_EQ(Log()(1.0f), 0.0f);
  for (float x = 0.9f; x < 1.1f; x = std::nextafter(x, 2.0f) + 1e-5f) {
    const double exact = std::log(static_cast<double>(x));
    EXPECT_NEAR(Log()(x), exact, 3e-7 * std::abs(exact));
  }
}

TEST(TermsTest, TheModelIsRaisedToItsFloorBeforeALogarithm) {
  const PoissonTerm term{.floor = 0.25f};
  EXPECT_NEAR(term(-3, 0).fit, std::log(0.25), 1e-6);
  EXPECT_EQ(term(-3, 0).total, 0.25f);
  EXPECT_NEAR(term(2, 0).fit, std::log(2.0), 1e-6);
  EXPECT_EQ(term(2, 0).total, 2.0f);
}

TEST(TermsTest, ABackgroundAddsToTheScaledModelAndNotToItsTotal) {
  const BackgroundTerm term{.floor = 0.25f, .fluence = 3};
  EXPECT_NEAR(term(2, 5).fit, std::log(11.0), 1e-6);
  EXPECT_NEAR(term(0, 5).fit, std::log(5.75), 1e-6);
  EXPECT_EQ(term(2, 5).total, 2.0f);
}

TEST(TermsTest, RootsOfNegativeModelsAreZero) {
  EXPECT_EQ(SqrtTerm()(-1, 0).fit, 0.0f);
  EXPECT_EQ(SqrtTerm()(-1, 0).total, 0.0f);
  EXPECT_EQ(SqrtTerm()(9, 0).fit, 3.0f);
  EXPECT_EQ(EuclidTerm()(-3, 0).fit, -3.0f);
  EXPECT_EQ(EuclidTerm()(-3, 0).total, 9.0f);
}

TEST(ScoresOfSumsTest, AreTheFormulas) {
  EXPECT_DOUBLE_EQ(PoissonScore()(7, 4, 3), 7 - 3 * std::log(4.0));
  EXPECT_DOUBLE_EQ(BackgroundScore()(7, 4, 0.5), 5);
  EXPECT_DOUBLE_EQ(SqrtScore()(6, 4), 3);
  EXPECT_DOUBLE_EQ(SqrtScore()(0, 0), 0);
  EXPECT_DOUBLE_EQ(EuclidScore{2}(5, 3, 10), 20 - 12 - 10);
}

}  // namespace
}  // namespace unfold::spi
