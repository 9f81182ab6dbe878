#pragma once

#include "workers/compute/view.h"

/// Trilinear reading and adding in a cube, on any device.
namespace unfold::spi {

using compute::Index;
using compute::View;

/// The cell of a point and where in it the point lies, 0 .. 1.
struct TrilinearCell {
  Index corner[3];
  double part[3];

  /// Share of corner (i, j, k), each 0 or 1.
  UNFOLD_HD double share(int i, int j, int k) const {
    return (i != 0 ? part[0] : 1 - part[0]) * (j != 0 ? part[1] : 1 - part[1]) *
           (k != 0 ? part[2] : 1 - part[2]);
  }
};

/// The cell of scale * R^T q in a cube whose voxel `centre` is the origin; R row-major [9].
UNFOLD_HD inline TrilinearCell cell_of(const double* rotation, const double* q, double scale,
                                       Index centre) {
  TrilinearCell out{};
  for (int d = 0; d < 3; ++d) {
    const double x =
        scale * (rotation[d] * q[0] + rotation[3 + d] * q[1] + rotation[6 + d] * q[2]) +
        static_cast<double>(centre);
    out.corner[d] = static_cast<Index>(x);
    out.part[d] = x - static_cast<double>(out.corner[d]);
  }
  return out;
}

UNFOLD_HD inline double read_trilinear(View<const double, 3> volume, const TrilinearCell& cell) {
  double sum = 0;
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      for (int k = 0; k < 2; ++k) {
        sum += cell.share(i, j, k) *
               volume(cell.corner[0] + i, cell.corner[1] + j, cell.corner[2] + k);
      }
    }
  }
  return sum;
}

/// volume and weight are added to; the adjoint of reading.
UNFOLD_HD inline void add_trilinear(View<double, 3> volume, View<double, 3> weight,
                                    const TrilinearCell& cell, double value, double times) {
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      for (int k = 0; k < 2; ++k) {
        const double share = cell.share(i, j, k);
        const Index a = cell.corner[0] + i, b = cell.corner[1] + j, c = cell.corner[2] + k;
        volume(a, b, c) += share * value;
        weight(a, b, c) += share * times;
      }
    }
  }
}

}  // namespace unfold::spi
