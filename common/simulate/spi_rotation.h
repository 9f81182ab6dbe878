#pragma once

#include <array>
#include <span>

#include "common/simulate/random.h"

namespace unfold::simulate {

/// A unit quaternion (w, x, y, z), uniform over rotations.
std::array<double, 4> random_orientation(Random& random);

/// out = R(quaternion)^T q for each of q [P, 3]: from the laboratory's into the volume's frame.
void turn_back(const std::array<double, 4>& quaternion, std::span<const double> q,
               std::span<double> out);

}  // namespace unfold::simulate
