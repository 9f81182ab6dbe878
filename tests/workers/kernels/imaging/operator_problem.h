#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tests/support/imaging_data.h"

namespace unfold::test {

/// Awkward on purpose: sizes that are no multiple of any vector, time bins with 0 to 300 events, a
/// dead one, a pointing that sees nothing, a pixel that is never seen. Response values are small
/// integers, which every storage keeps as they are.
struct OperatorProblem {
  static constexpr Index kTimes = 11, kPixels = 37, kBins = 300, kDirections = 53;
  static constexpr Index kDeadTime = 4, kUnseenPixel = 5, kBlindPointing = 3;

  std::vector<double> instrument;  ///< [K, D]
  imaging::AttitudeTable attitude;
  std::vector<double> solid_angle;
  imaging::Events events;
  imaging::Background background;  ///< 2 components, 3 groups
  std::vector<double> response;    ///< [T, P, D], what a dense response is made of

  imaging::Shape shape() const { return {kTimes, kPixels, kBins}; }

  /// `neighbours`: 1 or 4; 0 makes a dense response of integers that no instrument has.
  explicit OperatorProblem(Index neighbours) {
    make_instrument();
    if (neighbours > 0) {
      make_attitude_table(neighbours);
      response = imaging::expand(instrument, kBins, attitude, solid_angle);
    } else {
      for (Index i = 0; i < kTimes * kPixels * kBins; ++i) response.push_back(small_integer());
    }
    make_events();
  }

  std::vector<double> random_values(Index n, double low = 0, double high = 1) {
    std::uniform_real_distribution<double> uniform(low, high);
    std::vector<double> out(at(n));
    for (double& x : out) x = uniform(random_);
    return out;
  }
  std::vector<double> random_counts(Index n) {
    std::vector<double> out(at(n));
    for (double& x : out) x = std::uniform_int_distribution<int>(0, 4)(random_);
    return out;
  }

 private:
  double small_integer() {
    const int value = std::uniform_int_distribution<int>(-60, 200)(random_);
    return value > 0 ? value : 0;
  }

  void make_instrument() {
    for (Index k = 0; k < kDirections; ++k) {
      for (Index d = 0; d < kBins; ++d) {
        instrument.push_back(k < 3 || k > 50 ? 0 : small_integer());  // empty at both ends
      }
    }
  }

  void make_attitude_table(Index neighbours) {
    attitude.times = kTimes;
    attitude.pointings = 3 * kTimes;
    attitude.pixels = kPixels;
    attitude.neighbours = neighbours;
    solid_angle = random_values(kPixels, 0.01, 0.02);
    for (Index v = 0; v < attitude.pointings; ++v) {
      for (Index i = 0; i < kPixels * neighbours; ++i) {
        const int k = std::uniform_int_distribution<int>(0, kDirections + 20)(random_);
        const bool outside =
            k >= kDirections || v == kBlindPointing || i / neighbours == kUnseenPixel;
        attitude.lookup.push_back(outside ? imaging::kOutside : static_cast<std::uint16_t>(k));
        if (neighbours == 4) attitude.weight.push_back(static_cast<float>(k % 4) * 0.3f);
      }
      const Index t = (7 * v) % kTimes;
      attitude.time_bin.push_back(static_cast<std::int32_t>(t));
      attitude.live_time.push_back(t == kDeadTime ? 0 : 400 + static_cast<double>(v));
    }
  }

  void make_events() {
    const Index sizes[kTimes] = {0, 1, 31, 32, 33, 7, 8, 9, 300, 0, 257};
    events.begin.push_back(0);
    for (const Index size : sizes) {
      for (Index i = 0; i < size; ++i) {
        events.bin.push_back(static_cast<std::int32_t>(i * kBins / size));
      }
      events.begin.push_back(events.size());
    }
    background.components = 2;
    background.groups = 3;
    for (Index t = 0; t < kTimes; ++t) {
      background.group.push_back(static_cast<std::int32_t>(t % 3));
    }
    background.at_events = random_values(2 * events.size(), 0.1, 2);
    background.sum.assign(at(2 * kTimes), 300);
  }

  std::mt19937_64 random_{11};
};

}  // namespace unfold::test
