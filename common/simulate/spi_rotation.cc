#include "common/simulate/spi_rotation.h"

#include <cmath>

namespace unfold::simulate {

std::array<double, 4> random_orientation(Random& random) {
  std::array<double, 4> q{};
  double square = 0;
  while (square < 1e-12) {
    square = 0;
    for (double& part : q) {
      part = random.normal();
      square += part * part;
    }
  }
  for (double& part : q) part /= std::sqrt(square);
  return q;
}

void turn_back(const std::array<double, 4>& quaternion, std::span<const double> q,
               std::span<double> out) {
  const auto [w, x, y, z] = quaternion;
  // Rows of R^T are columns of R.
  const double rows[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)},
                             {2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)},
                             {2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)}};
  for (std::size_t i = 0; i < q.size(); i += 3)
    for (std::size_t axis = 0; axis < 3; ++axis)
      out[i + axis] = rows[axis][0] * q[i] + rows[axis][1] * q[i + 1] + rows[axis][2] * q[i + 2];
}

}  // namespace unfold::simulate
