#pragma once

#include <cmath>
#include <numbers>
#include <vector>

#include "workers/compute/random.h"
#include "workers/kernels/spi/merging.h"

/// Small merging problems with a known answer, and the normal equations written out.
namespace unfold::test {

using compute::Index;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// side x side pixels on a curved sphere of directions, corner at qmax = 0.1; some masked.
inline spi::Detector small_detector(Index side) {
  spi::Detector out;
  const double c = static_cast<double>(side - 1) / 2;
  for (Index i = 0; i < side; ++i) {
    for (Index j = 0; j < side; ++j) {
      const double x = (static_cast<double>(i) - c) / c, y = (static_cast<double>(j) - c) / c;
      const double scale = 0.1 / std::sqrt(2.01);
      for (const double q : {x * scale, y * scale, 0.05 * (x * x + y * y) * scale}) {
        out.q.push_back(q);
      }
      out.correction.push_back(static_cast<float>(1 - 0.1 * (x * x + y * y)));
      const bool stop = x * x + y * y < 0.05;
      out.mask.push_back(stop            ? spi::PixelClass::kBad
                         : x * x + y < 0 ? spi::PixelClass::kMergeOnly
                                         : spi::PixelClass::kGood);
    }
  }
  for (std::size_t p = 0; p < out.mask.size(); ++p) {
    const double* q = out.q.data() + 3 * p;
    if (out.mask[p] == spi::PixelClass::kBad) continue;
    out.qmax = std::max(out.qmax, std::hypot(q[0], q[1], q[2]));
  }
  return out;
}

/// I(R^T q) of the even autocorrelation x [M^3], summed term by term.
inline double intensity_at(Index grid, const std::vector<double>& x, const spi::Quaternion& turn,
                           const double* q, double qmax) {
  const spi::Matrix3 r = spi::matrix_of(turn);
  double point[3];
  for (std::size_t d = 0; d < 3; ++d) {
    point[d] = std::numbers::pi / qmax * (r[d] * q[0] + r[3 + d] * q[1] + r[6 + d] * q[2]);
  }
  double sum = 0;
  std::size_t n = 0;
  for (Index i = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k, ++n) {
        sum += x[n] * std::cos(static_cast<double>(i - grid / 2) * point[0] +
                               static_cast<double>(j - grid / 2) * point[1] +
                               static_cast<double>(k - grid / 2) * point[2]);
      }
    }
  }
  return sum;
}

/// An even autocorrelation that falls off from its centre.
inline std::vector<double> made_autocorrelation(Index grid, std::uint64_t seed) {
  std::vector<double> out;
  const auto square = [&](Index n) { return static_cast<double>((n - grid / 2) * (n - grid / 2)); };
  for (Index i = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k) {
        compute::Random random(seed, 0, out.size());
        out.push_back((1 + 0.3 * random.normal()) *
                      std::exp(-(square(i) + square(j) + square(k)) / 4));
      }
    }
  }
  for (std::size_t n = 0; 2 * n < out.size(); ++n) out[out.size() - 1 - n] = out[n];
  return out;
}

inline std::vector<spi::Quaternion> random_rotations(Index count, std::uint64_t seed) {
  std::vector<spi::Quaternion> out;
  for (Index j = 0; j < count; ++j) {
    out.push_back(spi::random_rotation(seed, 0, static_cast<std::uint64_t>(j)));
  }
  return out;
}

/// Frames phi c I + B at the rotations, one each.
inline spi::PatternSet made_frames(Index grid, const std::vector<double>& x,
                                   const spi::Detector& detector,
                                   const std::vector<spi::Quaternion>& turns,
                                   const std::vector<double>& fluence,
                                   const std::vector<float>& background) {
  std::vector<float> values;
  for (std::size_t i = 0; i < turns.size(); ++i) {
    for (Index p = 0; p < detector.pixels(); ++p) {
      const bool bad = detector.mask[at(p)] == spi::PixelClass::kBad;
      const double model =
          static_cast<double>(detector.correction[at(p)]) * fluence[i] *
          intensity_at(grid, x, turns[i], detector.q.data() + 3 * p, detector.qmax);
      values.push_back(bad ? 0.0f : static_cast<float>(model) + background[at(p)]);
    }
  }
  return spi::PatternSet::dense(static_cast<Index>(turns.size()), detector.pixels(),
                                std::move(values));
}

}  // namespace unfold::test
