#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "workers/compute/random.h"
#include "workers/kernels/spi/rotations.h"
#include "workers/kernels/spi/spectrum.h"

/// Volumes of Gaussian blobs, which can be moved exactly.
namespace unfold::test {

struct Blob {
  std::array<double, 3> at;  ///< voxels from the centre
  double height = 1;
  double sigma = 1.1;  ///< voxels
};
using Blobs = std::vector<Blob>;

/// x -> rotation (+-x) + shift, voxels.
struct Move {
  spi::Quaternion rotation{1, 0, 0, 0};
  std::array<double, 3> shift{0, 0, 0};
  bool inverted = false;
};

inline Blobs made_blobs(std::uint64_t seed, int count, double radius) {
  Blobs out;
  for (int i = 0; i < count; ++i) {
    compute::Random random(seed, 1, static_cast<std::uint64_t>(i));
    Blob blob{};
    for (double& x : blob.at) x = radius * (2 * random.uniform() - 1);
    blob.height = 0.5 + random.uniform();
    out.push_back(blob);
  }
  return out;
}

inline std::array<double, 3> turned(const spi::Quaternion& rotation,
                                    const std::array<double, 3>& x) {
  const spi::Matrix3 r = spi::matrix_of(rotation);
  std::array<double, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) out[i] += r[3 * i + j] * x[j];
  }
  return out;
}

inline Blobs moved(Blobs blobs, const Move& move) {
  for (Blob& blob : blobs) {
    blob.at = turned(move.rotation, blob.at);
    for (std::size_t d = 0; d < 3; ++d) {
      blob.at[d] = (move.inverted ? -blob.at[d] : blob.at[d]) + move.shift[d];
    }
  }
  return blobs;
}

/// The shift that, after turning back, undoes a move.
inline std::array<double, 3> back(const Move& move) {
  std::array<double, 3> t = turned(spi::conjugate(move.rotation), move.shift);
  if (!move.inverted) {
    for (double& x : t) x = -x;
  }
  return t;
}

/// [M^3], centred at M / 2.
inline std::vector<double> volume_of_blobs(spi::Index grid, const Blobs& blobs) {
  std::vector<double> out;
  for (spi::Index i = 0; i < grid * grid * grid; ++i) {
    const spi::Index n[] = {i / (grid * grid), i / grid % grid, i % grid};
    double sum = 0;
    for (const Blob& blob : blobs) {
      double square = 0;
      for (std::size_t d = 0; d < 3; ++d) {
        const double x = static_cast<double>(n[d] - grid / 2) - blob.at[d];
        square += x * x;
      }
      sum += blob.height * std::exp(-square / (2 * blob.sigma * blob.sigma));
    }
    out.push_back(sum);
  }
  return out;
}

inline std::vector<double> autocorrelation(spi::Index grid, const std::vector<double>& volume) {
  auto spectrum = spi::spectrum_of(grid, volume);
  for (auto& f : spectrum) f = std::norm(f);
  return spi::volume_of(grid, spectrum);
}

}  // namespace unfold::test
