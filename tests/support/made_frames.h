#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "workers/compute/random.h"
#include "workers/kernels/spi/patterns.h"
#include "workers/kernels/spi/rotations.h"

/// Small single-particle data sets of a few point atoms, for tests that need no shared data.
namespace unfold::test {

struct FrameRecipe {
  spi::Index frames = 80;
  spi::Index edge = 12;  ///< pixels
  double photons = 400;  ///< a frame; 0: clean intensities
  std::uint64_t seed = 1;
};

struct MadeFrames {
  spi::Detector detector;
  spi::PatternSet frames = spi::PatternSet::dense(0, 0, std::vector<float>{});
  std::vector<spi::Quaternion> orientation;
};

/// A flat detector whose corner is at 0.1 / Angstrom; eight atoms inside 20 Angstrom.
inline MadeFrames make_frames(const FrameRecipe& recipe) {
  using compute::Random;
  MadeFrames out;
  const auto edge = static_cast<std::size_t>(recipe.edge), pixels = edge * edge;
  for (std::size_t p = 0; p < pixels; ++p) {
    const double half = double(edge - 1) / 2, step = 0.1 / (half * std::sqrt(2.0));
    const double x = (double(p / edge) - half) * step, y = (double(p % edge) - half) * step;
    out.detector.q.insert(out.detector.q.end(), {x, y, -(x * x + y * y)});
    out.detector.qmax = std::max(out.detector.qmax, std::hypot(x, y, x * x + y * y));
  }
  out.detector.correction.assign(pixels, 1.0f);
  out.detector.mask.assign(pixels, spi::PixelClass::kGood);
  std::vector<double> atoms;
  Random place(recipe.seed, 1, 0);
  for (int i = 0; i < 24; ++i) atoms.push_back((place.uniform() - 0.5) * 40);
  std::vector<float> values;
  for (spi::Index i = 0; i < recipe.frames; ++i) {
    const auto number = static_cast<std::uint64_t>(i);
    const spi::Quaternion turn = spi::random_rotation(recipe.seed, 2, number);
    const spi::Matrix3 r = spi::matrix_of(turn);
    Random random(recipe.seed, 3, number);
    std::vector<double> row;
    double total = 0;
    for (std::size_t p = 0; p < pixels; ++p) {
      const double* q = &out.detector.q[3 * p];
      double real = 0, imaginary = 0;
      for (std::size_t a = 0; a < atoms.size(); a += 3) {
        double phase = 0;
        for (std::size_t d = 0; d < 3; ++d) {
          phase += 2 * M_PI * atoms[a + d] * (r[d] * q[0] + r[3 + d] * q[1] + r[6 + d] * q[2]);
        }
        real += std::cos(phase);
        imaginary += std::sin(phase);
      }
      const double damp = std::exp(-150 * (q[0] * q[0] + q[1] * q[1]));
      row.push_back((real * real + imaginary * imaginary) * damp);
      total += row.back();
    }
    for (const double x : row) {
      const double mean = recipe.photons * x / total;
      values.push_back(recipe.photons > 0 ? static_cast<float>(random.poisson(mean))
                                          : static_cast<float>(x));
    }
    out.orientation.push_back(turn);
  }
  out.frames = spi::PatternSet::dense(recipe.frames, recipe.edge * recipe.edge, std::move(values));
  return out;
}

}  // namespace unfold::test
