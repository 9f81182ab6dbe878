#include "common/plan/spi_extent.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <vector>

namespace unfold::plan {
namespace {

constexpr std::size_t kRadii = 64;
constexpr std::size_t kDirections = 12;
constexpr std::size_t kNearBeam = 5;       // radii that fluence alone fills
constexpr double kOperations = 4e8;        // about a second of one core
constexpr double kFifth = 0.2;             // of the peak
constexpr double kExtentPerRadius = 2.08;  // the box of a compact particle, with its margin
constexpr double kLeastContrast = 3;       // of the peak over the floor's own scatter

// Frames by pixels, each frame less its share of the mean, in units of the mean's noise.
struct Departures {
  std::vector<float> values;  // [N, P]
  std::vector<double> q;      // [P, 2] across the beam
  std::size_t pixels = 0;
};

void add_row(const spi_data::Patterns& sample, std::size_t frame, std::vector<float>& row) {
  const std::size_t pixels = row.size();
  std::fill(row.begin(), row.end(), 0.0F);
  if (!sample.first.empty()) {
    const auto stop = static_cast<std::size_t>(sample.first[frame + 1]);
    for (auto k = static_cast<std::size_t>(sample.first[frame]); k < stop; ++k) {
      row[sample.pixel[k]] = sample.count[k];
    }
    return;
  }
  for (std::size_t p = 0; p < pixels; ++p) {
    row[p] = sample.values.empty() ? static_cast<float>(sample.counts[frame * pixels + p])
                                   : sample.values[frame * pixels + p];
  }
}

Departures departures_of(const spi_data::Patterns& sample) {
  const std::size_t all = sample.detector.mask.size();
  std::vector<std::uint32_t> good;
  for (std::size_t p = 0; p < all; ++p) {
    if (sample.detector.mask[p] != spi_data::kBad) good.push_back(static_cast<std::uint32_t>(p));
  }
  Departures out;
  out.pixels = good.size();
  std::vector<double> mean(good.size());
  std::vector<double> totals;
  std::vector<float> row(all);
  for (std::size_t i = 0; i < sample.frame.size(); ++i) {
    add_row(sample, i, row);
    double total = 0;
    for (std::size_t k = 0; k < good.size(); ++k) total += row[good[k]];
    if (total <= 0) continue;
    totals.push_back(total);
    for (std::size_t k = 0; k < good.size(); ++k) {
      out.values.push_back(row[good[k]]);
      mean[k] += row[good[k]];
    }
  }
  const double sum = std::accumulate(totals.begin(), totals.end(), 0.0);
  const double largest = mean.empty() ? 0.0 : *std::max_element(mean.begin(), mean.end());
  for (std::size_t i = 0; i < totals.size(); ++i) {
    const double share = totals[i] / sum;
    for (std::size_t k = 0; k < good.size(); ++k) {
      float& value = out.values[i * good.size() + k];
      value = static_cast<float>((value - share * mean[k]) / share /
                                 std::sqrt(mean[k] + 1e-3 * largest) / std::sqrt(sum));
    }
  }
  for (const std::uint32_t p : good) {
    out.q.push_back(sample.detector.q[3 * p]);
    out.q.push_back(sample.detector.q[3 * p + 1]);
  }
  return out;
}

/// Mean power of the departures' transforms at radii up to `reach`, over directions.
std::vector<double> power_of(const Departures& data, double reach) {
  const std::size_t frames = data.values.size() / std::max<std::size_t>(data.pixels, 1);
  const double cost = static_cast<double>(data.pixels * kRadii * kDirections);
  const auto used = std::min(frames, static_cast<std::size_t>(std::max(kOperations / cost, 20.0)));
  std::vector<double> power(kRadii);
  std::vector<float> cosine(data.pixels);
  std::vector<float> sine(data.pixels);
  for (std::size_t d = 0; d < kDirections; ++d) {
    const double angle = std::numbers::pi * static_cast<double>(d) / kDirections;
    for (std::size_t r = 0; r < kRadii; ++r) {
      const double radius = (static_cast<double>(r) + 0.5) / kRadii * reach;
      for (std::size_t p = 0; p < data.pixels; ++p) {
        const double along = data.q[2 * p] * std::cos(angle) + data.q[2 * p + 1] * std::sin(angle);
        const double phase = 2 * std::numbers::pi * radius * along;
        cosine[p] = static_cast<float>(std::cos(phase));
        sine[p] = static_cast<float>(std::sin(phase));
      }
      for (std::size_t i = 0; i < used; ++i) {
        const float* row = data.values.data() + i * data.pixels;
        float re = 0;
        float im = 0;
        for (std::size_t p = 0; p < data.pixels; ++p) {
          re += row[p] * cosine[p];
          im += row[p] * sine[p];
        }
        power[r] += static_cast<double>(re) * re + static_cast<double>(im) * im;
      }
    }
  }
  return power;
}

}  // namespace

double pixel_spacing(const spi_data::Detector& detector) {
  std::vector<double> steps;
  for (std::size_t p = 1; p < detector.mask.size(); ++p) {
    const double* q = detector.q.data() + 3 * p;
    steps.push_back(std::hypot(q[0] - q[-3], q[1] - q[-2], q[2] - q[-1]));
  }
  if (steps.empty()) return 0;
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

double extent_of(const spi_data::Patterns& sample) {
  const double spacing = pixel_spacing(sample.detector);
  if (!(spacing > 0)) return 0;
  const double reach = 1 / (2 * spacing);
  const Departures data = departures_of(sample);
  if (data.values.empty()) return 0;
  std::vector<double> power = power_of(data, reach);
  std::vector<double> floor(power.end() - kRadii / 5, power.end());
  std::sort(floor.begin(), floor.end());
  const double level = floor[floor.size() / 2];
  const auto peak = std::max_element(power.begin() + kNearBeam, power.end() - kRadii / 5);
  if (*peak - level < kLeastContrast * (floor.back() - floor.front())) return 0;
  for (auto at = peak; at + 1 != power.end(); ++at) {
    const double here = (at[0] - level) / (*peak - level);
    const double next = (at[1] - level) / (*peak - level);
    if (next > kFifth) continue;
    const double place =
        static_cast<double>(at - power.begin()) + 0.5 + (here - kFifth) / (here - next);
    return std::min(kExtentPerRadius * place / kRadii * reach, reach);
  }
  return 0;
}

}  // namespace unfold::plan
