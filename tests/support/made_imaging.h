#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "tests/support/imaging_data.h"

/// Small imaging problems of the prototype's conventions: a Compton cone, a pointing that turns,
/// counts drawn from a known sky.
namespace unfold::test {

/// What made_imaging() is to make. Sizes: 18 degree pixels (200), 54 or fewer data bins.
struct MadeImaging {
  Index times = 24;
  Index pointings_per_bin = 2;
  double source_counts = 6000;  ///< over all time bins
  double background_counts = 12000;
  Index groups = 1;
  Index components = 1;
  std::vector<Index> dead = {};  ///< time bins without live time
  double lowest_axis_deg = -60;  ///< the pointings' zenith drifts in latitude from here
  double highest_axis_deg = 20;  ///< .. to here
  double zenith_cut_deg = 90;    ///< small cuts leave pixels that are never seen
  std::uint64_t seed = 1;
};

namespace made {

inline constexpr double kDegree = 0.017453292519943295;

using Vector = std::array<double, 3>;
inline Vector unit(double lon, double lat) {
  return {std::cos(lat) * std::cos(lon), std::cos(lat) * std::sin(lon), std::sin(lat)};
}
inline double dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
inline Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

/// I[k, d] on a 10 x 20 grid of instrument directions: data bins are 3 scatter angles x 18
/// scattered directions, a blurred cone around each.
inline std::vector<double> instrument() {
  std::vector<double> out;
  for (int iz = 0; iz < 10; ++iz) {
    for (int ia = 0; ia < 20; ++ia) {
      const double zenith = (iz + 0.5) * 18 * kDegree;
      const Vector source = unit((ia + 0.5) * 18 * kDegree, std::acos(0.0) - zenith);
      const double area = 4 * std::exp(-std::pow(zenith / (52 * kDegree), 2.4));
      for (int d = 0; d < 54; ++d) {
        const double phi = (15 + 15 * (d / 18)) * kDegree;
        const int j = d % 18;
        const Vector scattered = unit(j * 60 * kDegree, (75 - 30 * (j / 6)) * kDegree);
        const double off = std::acos(std::clamp(dot(source, scattered), -1.0, 1.0)) - phi;
        const double value = area * std::exp(-0.5 * std::pow(off / (8 * kDegree), 2)) / 20;
        out.push_back(value > 1e-6 ? value : 0);
      }
    }
  }
  return out;
}

inline void add_grid(ImagingData& data) {
  data.nb = 10;
  data.nl = 20;
  for (Index b = 0; b < data.nb; ++b) {
    for (Index l = 0; l < data.nl; ++l) {
      const double low = (-90 + 18.0 * static_cast<double>(b)) * kDegree;
      data.b_deg.push_back(-81 + 18.0 * static_cast<double>(b));
      data.l_deg.push_back(-171 + 18.0 * static_cast<double>(l));
      data.solid_angle.push_back(18 * kDegree * (std::sin(low + 18 * kDegree) - std::sin(low)));
    }
  }
}

inline void add_attitude(const MadeImaging& made, ImagingData& data) {
  imaging::AttitudeTable& a = data.attitude;
  a.times = made.times;
  a.pointings = made.times * made.pointings_per_bin;
  a.pixels = static_cast<Index>(data.solid_angle.size());
  for (Index v = 0; v < a.pointings; ++v) {
    const double phase = static_cast<double>(v) / static_cast<double>(a.pointings);
    const double lat =
        (made.lowest_axis_deg + phase * (made.highest_axis_deg - made.lowest_axis_deg)) * kDegree;
    const double lon = 0.5 * static_cast<double>(v);
    const Vector z = unit(lon, lat), north = unit(lon, lat + std::acos(0.0)),
                 east = cross(north, z);
    const double roll = 0.7 * static_cast<double>(v);
    Vector x;
    for (std::size_t i = 0; i < 3; ++i) {
      x[i] = std::cos(roll) * north[i] + std::sin(roll) * east[i];
    }
    const Vector y = cross(z, x);
    for (Index p = 0; p < a.pixels; ++p) {
      const Vector s = unit(data.l_deg[at(p)] * kDegree, data.b_deg[at(p)] * kDegree);
      const double zenith = std::acos(std::clamp(dot(s, z), -1.0, 1.0)) / kDegree;
      double azimuth = std::atan2(dot(s, y), dot(s, x)) / kDegree;
      if (azimuth < 0) azimuth += 360;
      const int iz = std::min(static_cast<int>(zenith / 18), 9);
      const int ia = std::min(static_cast<int>(azimuth / 18), 19);
      const bool outside = (iz + 0.5) * 18 > made.zenith_cut_deg;
      a.lookup.push_back(outside ? imaging::kOutside : static_cast<std::uint16_t>(iz * 20 + ia));
    }
    const Index t = v / made.pointings_per_bin;
    const bool dead = std::find(made.dead.begin(), made.dead.end(), t) != made.dead.end();
    a.live_time.push_back(dead ? 0 : 900 - static_cast<double>(v % 5));
    a.time_bin.push_back(static_cast<std::int32_t>(t));
  }
}

/// A point source and a band of the sky, in pixels.
inline std::vector<double> sky(const ImagingData& data) {
  std::vector<double> out;
  for (std::size_t p = 0; p < data.solid_angle.size(); ++p) {
    const double band = std::exp(-0.5 * std::pow(data.b_deg[p] / 20, 2));
    const bool source = data.l_deg[p] == -45 && data.b_deg[p] == -27;
    out.push_back(0.2 * band + (source ? 10 : 0));
  }
  return out;
}

}  // namespace made

/// Counts are Poisson; the background's shape differs per component, its amplitude per group (1,
/// 1.2, 0.8, 1, ...). Dead bins have no background either.
inline ImagingData made_imaging(const MadeImaging& made) {
  ImagingData data;
  data.instrument = made::instrument();
  data.bins = 54;
  made::add_grid(data);
  made::add_attitude(made, data);
  data.truth = made::sky(data);
  const auto response = imaging::make_reference_operator(data.shape(), data.response());
  std::vector<double> expected(at(made.times * data.bins));
  response->forward(data.truth, expected);
  double total = 0;
  for (const double e : expected) total += e;
  for (double& x : data.truth) x *= made.source_counts / total;
  for (double& e : expected) e *= made.source_counts / total;

  const double live_bins = static_cast<double>(made.times - static_cast<Index>(made.dead.size()));
  for (Index t = 0; t < made.times; ++t) {
    data.group.push_back(static_cast<std::int32_t>(t * made.groups / made.times));
  }
  const double amplitude[] = {1, 1.2, 0.8};
  for (Index c = 0; c < made.components; ++c) {
    std::vector<double> background(expected.size());
    for (Index t = 0; t < made.times; ++t) {
      if (std::find(made.dead.begin(), made.dead.end(), t) != made.dead.end()) continue;
      for (Index d = 0; d < data.bins; ++d) {
        const double shape = 1 + 0.5 * std::cos(static_cast<double>((c + 1) * d));
        const double level = made.background_counts / static_cast<double>(made.components) /
                             live_bins / static_cast<double>(data.bins);
        background[at(t * data.bins + d)] = level * shape;
        expected[at(t * data.bins + d)] += amplitude[data.group[at(t)] % 3] * level * shape;
      }
    }
    data.background.push_back(std::move(background));
  }
  std::mt19937_64 random(made.seed);
  for (const double e : expected) {
    data.counts.push_back(e > 0 ? static_cast<double>(std::poisson_distribution<long>(e)(random))
                                : 0.0);
  }
  return data;
}

}  // namespace unfold::test
