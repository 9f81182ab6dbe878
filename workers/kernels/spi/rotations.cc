#include "workers/kernels/spi/rotations.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "workers/compute/random.h"

namespace unfold::spi {
namespace {

constexpr double kPi = std::numbers::pi;

Quaternion normalised(const Quaternion& q) {
  const double norm = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  if (!(norm > 0)) return {1, 0, 0, 0};
  return {q[0] / norm, q[1] / norm, q[2] / norm, q[3] / norm};
}

}  // namespace

Matrix3 matrix_of(const Quaternion& quaternion) {
  const auto [w, x, y, z] = normalised(quaternion);
  return {1 - 2 * (y * y + z * z), 2 * (x * y - w * z),     2 * (x * z + w * y),
          2 * (x * y + w * z),     1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
          2 * (x * z - w * y),     2 * (y * z + w * x),     1 - 2 * (x * x + y * y)};
}

Quaternion quaternion_of(const Matrix3& r) {
  // Four times the squares of (w, x, y, z); the largest is divided by.
  const std::array<double, 4> square = {1 + r[0] + r[4] + r[8], 1 + r[0] - r[4] - r[8],
                                        1 - r[0] + r[4] - r[8], 1 - r[0] - r[4] + r[8]};
  Quaternion q{};
  switch (std::max_element(square.begin(), square.end()) - square.begin()) {
    case 0:
      q = {square[0], r[7] - r[5], r[2] - r[6], r[3] - r[1]};
      break;
    case 1:
      q = {r[7] - r[5], square[1], r[1] + r[3], r[2] + r[6]};
      break;
    case 2:
      q = {r[2] - r[6], r[1] + r[3], square[2], r[5] + r[7]};
      break;
    default:
      q = {r[3] - r[1], r[2] + r[6], r[5] + r[7], square[3]};
  }
  return normalised(q);
}

Quaternion multiply(const Quaternion& a, const Quaternion& b) {
  return {a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
          a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
          a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
          a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]};
}

Quaternion conjugate(const Quaternion& q) { return {q[0], -q[1], -q[2], -q[3]}; }

double angle_between(const Quaternion& a, const Quaternion& b) {
  const Quaternion d = multiply(conjugate(a), b);
  return 2 * std::atan2(std::hypot(d[1], d[2], d[3]), std::abs(d[0]));
}

Quaternion random_rotation(std::uint64_t seed, std::uint64_t stream, std::uint64_t place) {
  compute::Random random(seed, stream, place);
  Quaternion q;
  for (double& part : q) part = random.normal();
  return normalised(q);
}

Quaternion rotation_by(const std::array<double, 3>& v) {
  const double angle = std::hypot(v[0], v[1], v[2]);
  // sin(angle / 2) / angle, whose limit is 1 / 2.
  const double share = angle > 1e-12 ? std::sin(angle / 2) / angle : 0.5;
  return normalised({std::cos(angle / 2), share * v[0], share * v[1], share * v[2]});
}

Quaternion super_fibonacci(Index j, Index n) {
  constexpr double kPsi = 1.533751168755204;
  const double s = static_cast<double>(j) + 0.5;
  const double t = s / static_cast<double>(n);
  const double a = 2 * kPi * s / std::numbers::sqrt2;
  const double b = 2 * kPi * s / kPsi;
  const double inner = std::sqrt(t);
  const double outer = std::sqrt(1 - t);
  return {inner * std::sin(a), inner * std::cos(a), outer * std::sin(b), outer * std::cos(b)};
}

std::vector<Quaternion> reference_rotations(Index n, const Quaternion& turn) {
  std::vector<Quaternion> rotations(static_cast<std::size_t>(n));
  for (Index j = 0; j < n; ++j)
    rotations[static_cast<std::size_t>(j)] = multiply(turn, super_fibonacci(j, n));
  return rotations;
}

double spacing_of(Index n) { return std::cbrt(8 * kPi * kPi / static_cast<double>(n)); }

Index references_for(double radians) {
  if (!(radians > 0)) throw std::invalid_argument("an angular spacing must exceed 0");
  auto n = std::max<Index>(
      1, static_cast<Index>(8 * kPi * kPi / (radians * radians * radians) * (1 - 1e-9)));
  while (spacing_of(n) > radians) ++n;
  return n;
}

}  // namespace unfold::spi
