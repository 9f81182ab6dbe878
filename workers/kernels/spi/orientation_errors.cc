#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "workers/kernels/spi/rotations.h"

namespace unfold::spi {
namespace {

/// Half a turn about the beam: what a flat Ewald sphere and Friedel's law cannot tell from none.
constexpr Quaternion kHalfTurn = {0, 0, 0, 1};
/// Enough to meet a good frame where one in a hundred is good.
constexpr Index kCandidates = 1000;
constexpr Index kJudges = 1000;
constexpr int kRefinements = 20;

/// G as each frame alone would have it, without and with half a turn.
struct Opinion {
  Quaternion plain;
  Quaternion turned;
};

double dot(const Quaternion& a, const Quaternion& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
}

/// Angle between two unit quaternions of the same hemisphere or not, radians.
double angle_of(double dot) { return 2 * std::acos(std::min(std::abs(dot), 1.0)); }

/// How well G agrees with a frame: 1 / (1 + (angle / 10 degrees)^2), which gross errors,
/// even a majority of them, hardly move.
double trust(const Opinion& opinion, const Quaternion& global) {
  const double near =
      std::max(std::abs(dot(opinion.plain, global)), std::abs(dot(opinion.turned, global)));
  const double relative = angle_of(near) / (10 * std::numbers::pi / 180);
  return 1 / (1 + relative * relative);
}

double total_trust(std::span<const Opinion> opinions, const Quaternion& global) {
  double sum = 0;
  for (const Opinion& opinion : opinions) sum += trust(opinion, global);
  return sum;
}

template <class Value>
double median_of(std::vector<Value> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Every n-th of them, at most `limit`.
std::vector<Opinion> thinned(const std::vector<Opinion>& opinions, Index limit) {
  const auto size = static_cast<Index>(opinions.size());
  std::vector<Opinion> few;
  for (Index i = 0; i < std::min(size, limit); ++i)
    few.push_back(opinions[static_cast<std::size_t>(i * size / std::min(size, limit))]);
  return few;
}

/// The opinion that most others share.
Quaternion most_agreed(const std::vector<Opinion>& opinions) {
  const std::vector<Opinion> judges = thinned(opinions, kJudges);
  Quaternion best = opinions.front().plain;
  double most = -1;
  for (const Opinion& candidate : thinned(opinions, kCandidates)) {
    for (const Quaternion& global : {candidate.plain, candidate.turned}) {
      const double trusted = total_trust(judges, global);
      if (trusted > most) {
        most = trusted;
        best = global;
      }
    }
  }
  return best;
}

/// One step uphill in total trust: the mean of opinions weighted by trust squared, signs and half
/// turns chosen nearest to `global`.
Quaternion refined(const std::vector<Opinion>& opinions, const Quaternion& global) {
  Quaternion sum{};
  for (const Opinion& opinion : opinions) {
    const double plain = dot(opinion.plain, global);
    const double turned = dot(opinion.turned, global);
    const Quaternion& near = std::abs(plain) >= std::abs(turned) ? opinion.plain : opinion.turned;
    const double weight = std::pow(trust(opinion, global), 2) * (dot(near, global) < 0 ? -1 : 1);
    for (std::size_t d = 0; d < 4; ++d) sum[d] += weight * near[d];
  }
  const double norm = std::sqrt(dot(sum, sum));
  for (double& part : sum) part /= norm;
  return sum;
}

}  // namespace

OrientationErrors orientation_errors(std::span<const Quaternion> estimated,
                                     std::span<const Quaternion> truth) {
  if (estimated.size() != truth.size())
    throw std::invalid_argument("estimated and true orientations differ in number");
  OrientationErrors errors{.global = {1, 0, 0, 0}, .degrees = {}, .modulo_degrees = {}};
  if (truth.empty()) return errors;
  std::vector<Opinion> opinions;
  opinions.reserve(truth.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const Quaternion back = conjugate(truth[i]);
    opinions.push_back(
        {multiply(back, estimated[i]), multiply(back, multiply(kHalfTurn, estimated[i]))});
  }
  errors.global = most_agreed(opinions);
  for (int k = 0; k < kRefinements; ++k) errors.global = refined(opinions, errors.global);
  constexpr double kDegrees = 180 / std::numbers::pi;
  for (const Opinion& opinion : opinions) {
    const double plain = kDegrees * angle_between(opinion.plain, errors.global);
    const double turned = kDegrees * angle_between(opinion.turned, errors.global);
    errors.degrees.push_back(plain);
    errors.modulo_degrees.push_back(std::min(plain, turned));
  }
  errors.median_degrees = median_of(errors.degrees);
  errors.median_modulo_degrees = median_of(errors.modulo_degrees);
  return errors;
}

}  // namespace unfold::spi
