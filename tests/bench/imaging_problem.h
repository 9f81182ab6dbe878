#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "common/sky/instrument.h"
#include "workers/kernels/imaging/events.h"
#include "workers/kernels/imaging/responses.h"

/// A problem of the Data Challenge's size, for benchmarks: 6 degree pixels, cone response of a line
/// at 511 keV, a balloon's pointings, bins that the horizon cut keeps.
namespace unfold::bench {

using compute::Index;

inline constexpr double kDegree = 0.017453292519943295;
using Vector = std::array<double, 3>;

struct ImagingProblem {
  Index directions = 0, bins = 0;
  std::vector<double> instrument;  ///< [K, D] cm2
  imaging::AttitudeTable attitude;
  sky::Grid sky;
  std::vector<double> truth;       ///< [P]
  std::vector<double> background;  ///< [D] counts a time bin
};

inline Vector polar_vector(double polar, double azimuth) {
  return {std::sin(polar) * std::cos(azimuth), std::sin(polar) * std::sin(azimuth),
          std::cos(polar)};
}
inline double dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// A data bin: Compton angle and scattered direction.
struct Cone {
  double phi_deg, polar;
  Vector scattered;
};

/// 30 x 1145 bins, of which events can fall into 12 <= phi <= 60 above the horizon.
inline std::vector<Cone> kept_bins() {
  const std::vector<double> centres = sky::fisbel_centres(sky::fisbel(1145));
  std::vector<Cone> kept;
  for (int i = 0; i < 30; ++i) {
    const double phi = 6 * (i + 0.5);
    for (std::size_t f = 0; f < 1145; ++f) {
      const double polar = centres[2 * f];
      if (phi < 12 || phi > 60 || polar / kDegree + phi > 94.5) continue;
      kept.push_back({phi, polar, polar_vector(polar, centres[2 * f + 1])});
    }
  }
  return kept;
}

/// A blurred cone with wide tails, 0 below the zenith's plane and far from the cone.
inline double cone_value(const Cone& bin, const Vector& source) {
  const double angle = std::acos(std::clamp(dot(bin.scattered, source), -1.0, 1.0)) / kDegree;
  const double off = angle - bin.phi_deg;
  if (std::abs(off) > 45) return 0;
  const double phi = bin.phi_deg * kDegree, e = 1 / (2 - std::cos(phi));
  const double weight = e * e * (e + 1 / e - std::pow(std::sin(phi), 2)) * std::sin(phi) *
                        (0.35 + 0.65 * std::pow(std::sin(bin.polar), 2));
  return weight *
         (0.75 * std::exp(-0.5 * std::pow(off / 3.4, 2)) + 0.25 / (1 + std::pow(off / 4.5, 2)));
}

inline void add_instrument(ImagingProblem& p) {
  const std::vector<Cone> bins = kept_bins();
  p.bins = static_cast<Index>(bins.size());
  p.directions = 1800;
  for (int k = 0; k < p.directions; ++k) {
    const double zenith = 6 * (k / 60 + 0.5), azimuth = 6 * (k % 60 + 0.5);
    const Vector source = polar_vector(zenith * kDegree, azimuth * kDegree);
    const double area = zenith > 90 ? 0 : 4 * std::exp(-std::pow(zenith / 52, 2.4));
    double sum = 0;
    const std::size_t first = p.instrument.size();
    for (const Cone& bin : bins) {
      p.instrument.push_back(cone_value(bin, source));
      sum += p.instrument.back();
    }
    for (std::size_t i = first; i < p.instrument.size(); ++i) {
      p.instrument[i] *= sum > 0 ? area / sum : 0;
    }
  }
}

/// The zenith drifts from b = -60 to 20 while the sky turns; the azimuth wanders.
inline void add_attitude(ImagingProblem& p, Index times, Index pointings_per_bin) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> step(0, 0.15);
  std::vector<sky::Axes> axes;
  double roll = 0;
  const Index n = times * pointings_per_bin;
  for (Index v = 0; v < n; ++v) {
    const double seconds = 1800.0 / static_cast<double>(pointings_per_bin) * static_cast<double>(v);
    roll += step(random);
    const double b = -60 + 80 * static_cast<double>(v) / static_cast<double>(n);
    const double l = 360 * seconds / 86164;
    // The x axis turned by `roll` from galactic north around the zenith.
    const double polar = (90 - b) * kDegree, lon = l * kDegree;
    const Vector north = polar_vector(polar - 90 * kDegree, lon);
    const Vector east = {-std::sin(lon), std::cos(lon), 0};
    Vector x;
    for (std::size_t i = 0; i < 3; ++i) {
      x[i] = std::cos(roll) * north[i] + std::sin(roll) * east[i];
    }
    axes.push_back(sky::axes_of(std::atan2(x[1], x[0]) / kDegree,
                                std::asin(std::clamp(x[2], -1.0, 1.0)) / kDegree, l, b));
    p.attitude.live_time.push_back(1700 / static_cast<double>(pointings_per_bin));
    p.attitude.time_bin.push_back(static_cast<std::int32_t>(v / pointings_per_bin));
  }
  p.attitude.times = times;
  p.attitude.pointings = n;
  p.attitude.pixels = p.sky.pixels();
  p.attitude.lookup = sky::make_lookup(axes, p.sky, {}, 90, sky::Interpolation::kNearest).direction;
}

inline ImagingProblem make_problem(Index times, Index pointings_per_bin) {
  ImagingProblem p;
  p.sky = sky::regular_grid(6);
  add_instrument(p);
  add_attitude(p, times, pointings_per_bin);
  for (std::int64_t i = 0; i < p.sky.pixels(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    p.truth.push_back(std::exp(-0.5 * std::pow(p.sky.b_deg[at] / 8, 2) -
                               0.5 * std::pow(p.sky.l_deg[at] / 20, 2)));
  }
  for (Index d = 0; d < p.bins; ++d) {
    p.background.push_back(45.0 / static_cast<double>(p.bins));
  }
  return p;
}

/// Poisson counts of an expectation [T, D]: the list, and the counts at it.
inline imaging::Events draw_events(const std::vector<double>& expected, Index bins,
                                   std::vector<double>* counts) {
  std::mt19937_64 random(5);
  imaging::Events events;
  events.begin.push_back(0);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto n = expected[i] > 0 ? std::poisson_distribution<int>(expected[i])(random) : 0;
    const auto d = static_cast<Index>(i) % bins;
    if (n > 0) {
      events.bin.push_back(static_cast<std::int32_t>(d));
      counts->push_back(n);
    }
    if (d == bins - 1) events.begin.push_back(events.size());
  }
  return events;
}

}  // namespace unfold::bench
