#pragma once

#include <math.h>

#include <cmath>
#include <stdexcept>

#include "workers/compute/accelerator.h"
#include "workers/compute/block.h"
#include "workers/kernels/spi/device/tasks.h"
#include "workers/nufft/kernels.h"

/// Slices cut from a fine grid on a device: the values of nufft::CosineGrid::rotated().
namespace unfold::spi {

/// The grid under a window of W cells.
template <int W>
struct GridReader {
  static constexpr int kDegree = nufft::degree_of(W);
  const float* cells;
  int n[3];
  int plane, row;
  float window[(kDegree + 1) * W];  ///< highest power first

  /// The window along one axis at `u` cells. Returns its first cell, in [0, n).
  UNFOLD_HD int along(float u, int size, float* weight) const {
    const float low = u - 0.5f * static_cast<float>(W), start = ::ceilf(low);
    const float y = 2 * (start - low) - 1;
    for (int j = 0; j < W; ++j) {
      float value = window[j];
      for (int p = 1; p <= kDegree; ++p) value = value * y + window[p * W + j];
      weight[j] = value;
    }
    const int first = static_cast<int>(start);
    return first < 0 ? first + size : first >= size ? first - size : first;
  }

  /// At x = R^T base; `turn` is R [3, 3] times cells a radian (turn_of()).
  UNFOLD_HD float operator()(const float* turn, const float* base) const {
    float weight[3][W];
    int first[3];
    for (int d = 0; d < 3; ++d) {
      first[d] =
          along(base[0] * turn[d] + base[1] * turn[3 + d] + base[2] * turn[6 + d], n[d], weight[d]);
    }
    const float* corner = cells + static_cast<Index>(first[0]) * plane + first[1] * row + first[2];
    float sum = 0;
    for (int i = 0; i < W; ++i) {
      float layer = 0;
      for (int j = 0; j < W; ++j) {
        const float* line = corner + static_cast<Index>(i) * plane + j * row;
        float along_line = 0;
        for (int k = 0; k < W; ++k) along_line += weight[2][k] * line[k];
        layer += weight[1][j] * along_line;
      }
      sum += weight[0][i] * layer;
    }
    return sum;
  }

  /// Entry i of a matrix in cells a radian.
  UNFOLD_HD float turn_of(const float* rotation, int i) const {
    constexpr double kTurn = 6.283185307179586477;
    return static_cast<float>(static_cast<double>(rotation[i]) * static_cast<double>(n[i % 3]) /
                              kTurn);
  }
};

/// Calls body(GridReader<W>) of the grid's width; `cells` is on the device. Throws
/// std::invalid_argument beyond kWidestSlice.
template <int W = nufft::kMinWidth, class Body>
void with_reader(const GridTask& grid, const float* cells, const Body& body) {
  if constexpr (W > kWidestSlice) {
    throw std::invalid_argument("a window too wide to cut slices with on a device");
  } else if (grid.width != W) {
    with_reader<W + 1>(grid, cells, body);
  } else {
    GridReader<W> reader{cells, {}, static_cast<int>(grid.plane), static_cast<int>(grid.row), {}};
    for (int d = 0; d < 3; ++d) reader.n[d] = static_cast<int>(grid.n[d]);
    for (int i = 0; i < (reader.kDegree + 1) * W; ++i) reader.window[i] = grid.window[i];
    body(reader);
  }
}

/// out [J, P'] = slices times the correction.
template <int W>
struct CutSlices {
  static constexpr int kThreads = 128;
  GridReader<W> reader;
  const float* rotation;    ///< [J, 9]
  const float* position;    ///< [P', 3]
  const float* correction;  ///< [P']
  Index count;              ///< J
  Index size;               ///< P'
  float* out;

  Index blocks() const { return count; }
  std::size_t shared_bytes() const { return compute::shared_size<float>(9); }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    float* turn = block.template shared<float>(9);
    const Index j = block.index();
    block.for_each(
        9, [&](Index i) { turn[i] = reader.turn_of(rotation + 9 * j, static_cast<int>(i)); });
    block.for_each(
        size, [&](Index p) { out[j * size + p] = reader(turn, position + 3 * p) * correction[p]; });
  }
};

}  // namespace unfold::spi
