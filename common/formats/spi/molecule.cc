#include "common/formats/spi/molecule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace unfold::spi_data {

void centre(Molecule& molecule) {
  std::array<double, 3> sum{};
  double electrons = 0;
  for (const Atom& atom : molecule.atoms) {
    electrons += atom.number;
    for (std::size_t axis = 0; axis < 3; ++axis) sum[axis] += atom.number * atom.position[axis];
  }
  for (Atom& atom : molecule.atoms)
    for (std::size_t axis = 0; axis < 3; ++axis) atom.position[axis] -= sum[axis] / electrons;
}

double diameter_of(const Molecule& molecule) {
  constexpr int kDirections = 1500;  // a golden spiral over the upper half of the sphere
  const double golden = std::numbers::pi * (3 - std::sqrt(5.0));
  double largest = 0;
  for (int i = 0; i < kDirections; ++i) {
    const double z = (i + 0.5) / kDirections;
    const double r = std::sqrt(1 - z * z);
    const double x = r * std::cos(golden * i);
    const double y = r * std::sin(golden * i);
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const Atom& atom : molecule.atoms) {
      const double along = x * atom.position[0] + y * atom.position[1] + z * atom.position[2];
      low = std::min(low, along);
      high = std::max(high, along);
    }
    largest = std::max(largest, high - low);
  }
  return largest;
}

}  // namespace unfold::spi_data
