#include "workers/kernels/spi/rotations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace unfold::spi {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::Pointwise;

constexpr double kDegree = std::numbers::pi / 180;

Matrix3 product(const Matrix3& a, const Matrix3& b) {
  Matrix3 c{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j)
      for (std::size_t k = 0; k < 3; ++k) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return c;
}

std::vector<Quaternion> random_rotations(std::size_t n, std::uint64_t seed) {
  std::vector<Quaternion> rotations;
  for (std::size_t i = 0; i < n; ++i) rotations.push_back(random_rotation(seed, 1, i));
  return rotations;
}

/// truth * global, off by `spread` degrees about random axes.
std::vector<Quaternion> turned(const std::vector<Quaternion>& truth, const Quaternion& global,
                               double spread) {
  std::vector<Quaternion> estimated;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const Quaternion axis = random_rotation(9, 2, i);
    const double norm = std::hypot(axis[1], axis[2], axis[3]) / (spread * kDegree);
    const Quaternion error = rotation_by({axis[1] / norm, axis[2] / norm, axis[3] / norm});
    estimated.push_back(multiply(multiply(truth[i], global), spread > 0 ? error : Quaternion{1}));
  }
  return estimated;
}

TEST(RotationsTest, MatrixOfAQuarterTurnAboutTheBeamTakesXToY) {
  const Matrix3 r = matrix_of(rotation_by({0, 0, std::numbers::pi / 2}));
  EXPECT_THAT(r, Pointwise(DoubleNear(1e-15), Matrix3{0, -1, 0, 1, 0, 0, 0, 0, 1}));
}

TEST(RotationsTest, ProductsOfQuaternionsAreProductsOfMatrices) {
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Quaternion a = random_rotation(1, 0, i);
    const Quaternion b = random_rotation(2, 0, i);
    EXPECT_THAT(matrix_of(multiply(a, b)),
                Pointwise(DoubleNear(1e-14), product(matrix_of(a), matrix_of(b))));
    EXPECT_THAT(product(matrix_of(a), matrix_of(conjugate(a))),
                Pointwise(DoubleNear(1e-14), Matrix3{1, 0, 0, 0, 1, 0, 0, 0, 1}));
  }
}

TEST(RotationsTest, QuaternionsComeBackFromMatricesWhicheverPartIsLargest) {
  std::vector<Quaternion> rotations = random_rotations(200, 3);
  for (const double tiny : {0.0, 1e-9})
    for (std::size_t largest = 0; largest < 4; ++largest) {
      Quaternion q = {tiny, tiny, tiny, tiny};
      q[largest] = 1;
      rotations.push_back(q);
    }
  for (const Quaternion& q : rotations)
    EXPECT_LT(angle_between(quaternion_of(matrix_of(q)), q), 1e-8);
}

TEST(RotationsTest, AnglesAreRightFromVerySmallToHalfATurn) {
  const Quaternion q = random_rotation(4, 0, 0);
  for (const double angle : {0.0, 1e-12, 1e-6, 1.0, std::numbers::pi}) {
    const Quaternion other = multiply(q, rotation_by({angle, 0, 0}));
    EXPECT_NEAR(angle_between(q, other), angle, 1e-15 + 1e-6 * angle);
    EXPECT_NEAR(angle_between(q, {-other[0], -other[1], -other[2], -other[3]}), angle,
                1e-15 + 1e-6 * angle);
  }
}

TEST(RotationsTest, RandomRotationsAreAFunctionOfTheirPlaceAndUniform) {
  EXPECT_EQ(random_rotation(5, 6, 7), random_rotation(5, 6, 7));
  EXPECT_NE(random_rotation(5, 6, 7), random_rotation(5, 6, 8));
  // The mean matrix of uniform rotations is zero; each entry has variance 1 / 3.
  Matrix3 mean{};
  const std::size_t n = 3000;
  for (const Quaternion& q : random_rotations(n, 8)) {
    const Matrix3 r = matrix_of(q);
    for (std::size_t d = 0; d < 9; ++d) mean[d] += r[d] / static_cast<double>(n);
  }
  EXPECT_THAT(mean, Each(DoubleNear(0, 4 / std::sqrt(3.0 * static_cast<double>(n)))));
}

TEST(RotationsTest, ReferencesLeaveNoHoleMuchLargerThanTheirSpacing) {
  const Index n = 2000;
  const std::vector<Quaternion> references = reference_rotations(n, random_rotation(1, 2, 3));
  double farthest = 0;
  double mean = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const Quaternion q = random_rotation(11, 0, i);
    double nearest = 10;
    for (const Quaternion& reference : references)
      nearest = std::min(nearest, angle_between(q, reference));
    farthest = std::max(farthest, nearest);
    mean += nearest / 200;
  }
  EXPECT_LT(farthest, spacing_of(n));
  EXPECT_LT(mean, 0.6 * spacing_of(n));
}

TEST(RotationsTest, TheSmallestNumberOfReferencesThatIsCloseEnoughIsChosen) {
  for (const double degrees : {30.0, 14.0, 6.4, 1.0}) {
    const Index n = references_for(degrees * kDegree);
    EXPECT_LE(spacing_of(n), degrees * kDegree);
    EXPECT_GT(spacing_of(n - 1), degrees * kDegree);
  }
  EXPECT_THROW(references_for(0), std::invalid_argument);
}

TEST(OrientationErrorsTest, AGlobalRotationCostsNothing) {
  const std::vector<Quaternion> truth = random_rotations(300, 1);
  const Quaternion global = random_rotation(2, 2, 2);
  const OrientationErrors errors = orientation_errors(turned(truth, global, 0), truth);
  EXPECT_LT(angle_between(errors.global, global), 1e-7);
  EXPECT_LT(errors.median_degrees, 1e-5);
}

TEST(OrientationErrorsTest, EachErrorIsTheAngleThatIsLeft) {
  const std::vector<Quaternion> truth = random_rotations(500, 1);
  const OrientationErrors errors =
      orientation_errors(turned(truth, random_rotation(2, 2, 2), 5), truth);
  EXPECT_NEAR(errors.median_degrees, 5, 0.5);
  EXPECT_NEAR(errors.median_modulo_degrees, 5, 0.5);
}

TEST(OrientationErrorsTest, HalfTurnsAboutTheBeamCountUnlessAllowed) {
  const std::vector<Quaternion> truth = random_rotations(400, 1);
  std::vector<Quaternion> estimated = turned(truth, random_rotation(2, 2, 2), 3);
  for (std::size_t i = 0; i < 120; ++i) estimated[i] = multiply({0, 0, 0, 1}, estimated[i]);
  const OrientationErrors errors = orientation_errors(estimated, truth);
  EXPECT_NEAR(errors.median_modulo_degrees, 3, 0.5);
  EXPECT_EQ(std::ranges::count_if(errors.degrees, [](double e) { return e > 90; }), 120);
  EXPECT_EQ(std::ranges::count_if(errors.modulo_degrees, [](double e) { return e > 90; }), 0);
}

TEST(OrientationErrorsTest, TheGlobalRotationIsFoundWhereSixtyPerCentAreWrong) {
  const std::vector<Quaternion> truth = random_rotations(600, 1);
  const Quaternion global = random_rotation(2, 2, 2);
  std::vector<Quaternion> estimated = turned(truth, global, 2);
  for (std::size_t i = 0; i < estimated.size(); ++i)
    if (i % 5 < 3) estimated[i] = random_rotation(77, 0, i);
  EXPECT_LT(angle_between(orientation_errors(estimated, truth).global, global), 5 * kDegree);
}

TEST(OrientationErrorsTest, NoFramesHaveNoErrors) {
  EXPECT_TRUE(orientation_errors({}, {}).degrees.empty());
  EXPECT_THROW(orientation_errors(random_rotations(2, 1), random_rotations(3, 1)),
               std::invalid_argument);
}

}  // namespace
}  // namespace unfold::spi
