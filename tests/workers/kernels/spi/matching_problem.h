#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "workers/compute/random.h"
#include "workers/kernels/spi/matching.h"

/// A small made-up object, its detector and frames, and scores in double, written as the formulas
/// are read.
namespace unfold::spi {

constexpr double kDegree = std::numbers::pi / 180;

/// `side` x `side` pixels on an Ewald sphere, the middle ones bad, one row for merging only.
inline Detector made_detector(Index side) {
  Detector detector;
  for (Index i = 0; i < side; ++i)
    for (Index j = 0; j < side; ++j) {
      const double x =
          (static_cast<double>(i) - static_cast<double>(side - 1) / 2) / static_cast<double>(side);
      const double y =
          (static_cast<double>(j) - static_cast<double>(side - 1) / 2) / static_cast<double>(side);
      const double length = std::sqrt(x * x + y * y + 4);
      detector.q.insert(detector.q.end(), {x / length, y / length, 2 / length - 1});
      detector.correction.push_back(static_cast<float>(8 / std::pow(length, 3)));
      detector.mask.push_back(std::hypot(x, y) < 0.08 ? PixelClass::kBad
                              : i == 1                ? PixelClass::kMergeOnly
                                                      : PixelClass::kGood);
      detector.qmax = std::max(detector.qmax, std::hypot(x, y, 2 - length) / length);
    }
  return detector;
}

/// Autocorrelation [M^3] of some random points near the middle: an intensity > 0.
inline std::vector<double> made_autocorrelation(Index grid, std::uint64_t seed) {
  std::vector<double> a(static_cast<std::size_t>(grid * grid * grid), 0.0);
  std::vector<std::array<Index, 3>> atoms;
  compute::Random random(seed, 3, 3);
  const Index reach = grid / 4;
  for (int k = 0; k < 12; ++k) {
    std::array<Index, 3> atom;
    for (Index& x : atom)
      x = static_cast<Index>(random.uniform() * static_cast<double>(2 * reach + 1)) - reach;
    atoms.push_back(atom);
  }
  for (const auto& u : atoms)
    for (const auto& v : atoms) {
      Index place = 0;
      for (std::size_t d = 0; d < 3; ++d) place = place * grid + (u[d] - v[d] + grid / 2);
      a[static_cast<std::size_t>(place)] += 1;
    }
  a[static_cast<std::size_t>((grid * grid * grid) / 2)] += 3;  // nothing is quite dark
  return a;
}

/// sum_n a_n cos(n.x), x = pi R^T q / qmax, times the correction.
inline double direct_slice(const std::vector<double>& a, Index grid, const Detector& detector,
                           const Quaternion& rotation, std::uint32_t pixel) {
  const Matrix3 r = matrix_of(rotation);
  double x[3] = {0, 0, 0};
  for (std::size_t d = 0; d < 3; ++d)
    for (std::size_t e = 0; e < 3; ++e)
      x[d] += r[3 * e + d] * detector.q[3 * pixel + e] * std::numbers::pi / detector.qmax;
  double sum = 0;
  std::size_t place = 0;
  const Index h = grid / 2;
  for (Index i = -h; i < grid - h; ++i)
    for (Index j = -h; j < grid - h; ++j)
      for (Index k = -h; k < grid - h; ++k, ++place)
        if (a[place] != 0)
          sum += a[place] * std::cos(static_cast<double>(i) * x[0] + static_cast<double>(j) * x[1] +
                                     static_cast<double>(k) * x[2]);
  return sum * static_cast<double>(detector.correction[pixel]);
}

/// N Poisson frames of `photons` photons on average over all pixels, at random orientations.
struct MadeFrames {
  PatternSet set = PatternSet::dense(0, 0, std::vector<float>{});
  std::vector<Quaternion> truth;
  std::vector<double> fluence;
};
inline MadeFrames made_frames(Index count, double photons, const std::vector<double>& a, Index grid,
                              const Detector& detector, std::span<const float> background = {}) {
  MadeFrames made;
  std::vector<std::uint16_t> counts;
  for (Index i = 0; i < count; ++i) {
    const auto place = static_cast<std::uint64_t>(i);
    compute::Random random(21, 5, place);
    made.truth.push_back(random_rotation(22, 0, place));
    made.fluence.push_back(std::exp(0.35 * random.normal()));
    std::vector<double> model;
    double sum = 0;
    for (std::uint32_t p = 0; p < detector.mask.size(); ++p) {
      model.push_back(detector.mask[p] == PixelClass::kBad
                          ? 0
                          : direct_slice(a, grid, detector, made.truth.back(), p));
      sum += model.back();
    }
    for (std::size_t p = 0; p < model.size(); ++p) {
      const double other = background.empty() ? 0.0 : static_cast<double>(background[p]);
      const bool bad = detector.mask[p] == PixelClass::kBad;
      const double mean = made.fluence.back() * photons * model[p] / sum + other;
      counts.push_back(static_cast<std::uint16_t>(bad ? 0 : random.poisson(mean)));
    }
  }
  made.set = PatternSet::dense(count, detector.pixels(), std::move(counts));
  return made;
}

/// A score in double, from a slice in double: the formulas of matching.h, nothing clipped.
inline double oracle_score(const MatchOptions& options, const std::vector<double>& model,
                           const std::vector<double>& frame, const std::vector<double>& background,
                           double fluence) {
  double total = 0, fit = 0, squares = 0;
  for (const double m : model) total += m;
  for (std::size_t p = 0; p < model.size(); ++p) {
    const double k = frame[p], m = model[p];
    if (options.metric == Metric::kSqrt) fit += std::sqrt(k * m / total);
    if (options.metric == Metric::kEuclid) squares += std::pow(options.euclid_scale * m - k, 2);
    if (options.metric == Metric::kPoisson)
      fit += background.empty() ? k * std::log(m / total)
                                : k * std::log(fluence * m + background[p]) - fluence * m;
  }
  return options.metric == Metric::kEuclid ? -squares : fit;
}

}  // namespace unfold::spi
