#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "workers/compute/host_device.h"
#include "workers/compute/view.h"

namespace unfold::spi {

using compute::Index;

/// Unit quaternion (w, x, y, z); q and -q are one rotation.
using Quaternion = std::array<double, 4>;
/// Row-major 3 x 3.
using Matrix3 = std::array<double, 9>;

Matrix3 matrix_of(const Quaternion& q);
Quaternion quaternion_of(const Matrix3& r);
/// First b, then a: matrix_of(a * b) = matrix_of(a) matrix_of(b).
Quaternion multiply(const Quaternion& a, const Quaternion& b);
Quaternion conjugate(const Quaternion& q);
/// Angle of a^-1 b, radians, 0 .. pi.
double angle_between(const Quaternion& a, const Quaternion& b);
/// Uniform over rotations; a pure function of its arguments.
Quaternion random_rotation(std::uint64_t seed, std::uint64_t stream, std::uint64_t place);
/// Rotation by the vector `v`: |v| radians about v.
Quaternion rotation_by(const std::array<double, 3>& v);

/// j-th of n super-Fibonacci rotations (Alexa 2022): low discrepancy, O(1) each.
Quaternion super_fibonacci(Index j, Index n);
/// n of them, each `turn` * super_fibonacci(j, n).
std::vector<Quaternion> reference_rotations(Index n, const Quaternion& turn);
/// Mean distance of neighbours among n rotations, radians: (8 pi^2 / n)^(1/3).
double spacing_of(Index n);
/// The smallest n whose spacing is at most `radians`.
Index references_for(double radians);

/// Estimated against true orientations, after the best global rotation G (est ~ truth G), which is
/// found robustly, half turns about the beam allowed: it stands where most frames are wrong.
struct OrientationErrors {
  Quaternion global;
  std::vector<double> degrees;  ///< [N]
  double median_degrees = 0;
  double median_modulo_degrees = 0;    ///< with a turn by 180 degrees about the beam allowed
  std::vector<double> modulo_degrees;  ///< [N]
};
OrientationErrors orientation_errors(std::span<const Quaternion> estimated,
                                     std::span<const Quaternion> truth);

}  // namespace unfold::spi
