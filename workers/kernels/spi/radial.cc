#include "workers/kernels/spi/radial.h"

#include <algorithm>
#include <cmath>

namespace unfold::spi {
namespace {

constexpr Index kBlock = 64;  // frames summed together: the partition that fixes the order of sums
constexpr Index kCircles = 64;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

double norm_of(const Detector& detector, Index pixel) {
  const double* q = &detector.q[3 * at(pixel)];
  return std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
}

/// Calls body(frame, its row [P]) for all frames, in blocks side by side.
template <class Body>
void for_rows(compute::Cpu& cpu, const PatternSet& frames, const Body& body) {
  const Index blocks = (frames.frames() + kBlock - 1) / kBlock, pixels = frames.pixels();
  cpu.parallel_for(blocks, [&](Index block) {
    const Index first = block * kBlock, count = std::min(kBlock, frames.frames() - first);
    std::vector<float> rows(at(count * pixels));
    frames.rows(first, count, View<float, 2>(rows.data(), count, pixels));
    for (Index i = 0; i < count; ++i) body(first + i, block, &rows[at(i * pixels)]);
  });
}

std::vector<double> mean_frame(compute::Cpu& cpu, const PatternSet& frames,
                               std::span<const std::uint8_t> skip) {
  const Index blocks = (frames.frames() + kBlock - 1) / kBlock, pixels = frames.pixels();
  std::vector<double> sums(at(blocks * pixels), 0.0), mean(at(pixels), 0.0);
  for_rows(cpu, frames, [&](Index frame, Index block, const float* row) {
    if (!skip.empty() && skip[at(frame)] != 0) return;
    for (Index p = 0; p < pixels; ++p) sums[at(block * pixels + p)] += double{row[p]};
  });
  const auto used = frames.frames() - std::count(skip.begin(), skip.end(), std::uint8_t{1});
  for (Index b = 0; b < blocks; ++b) {
    for (Index p = 0; p < pixels; ++p) mean[at(p)] += sums[at(b * pixels + p)];
  }
  for (double& x : mean) x /= static_cast<double>(std::max<Index>(used, 1));
  return mean;
}

}  // namespace

double full_qlimit(const Detector& detector) { return detector.qmax / std::sqrt(2.0) * 1.001; }

std::vector<std::uint8_t> matched_pixels(const Detector& detector, double qlimit) {
  std::vector<std::uint8_t> chosen(at(detector.pixels()), 0);
  for (Index p = 0; p < detector.pixels(); ++p) {
    chosen[at(p)] = detector.mask[at(p)] == PixelClass::kGood && norm_of(detector, p) <= qlimit;
  }
  return chosen;
}

std::vector<float> radial_mean(compute::Cpu& cpu, const PatternSet& frames,
                               const Detector& detector, std::span<const std::uint8_t> skip,
                               std::span<const float> background) {
  const std::vector<double> mean = mean_frame(cpu, frames, skip);
  std::vector<double> sum(kCircles + 1, 0.0), weight(kCircles + 1, 0.0);
  const auto circle_of = [&](Index p) {
    return at(
        std::min<Index>(std::lround(norm_of(detector, p) / detector.qmax * kCircles), kCircles));
  };
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] == PixelClass::kBad) continue;
    const double b = background.empty() ? 0.0 : double{background[at(p)]};
    const auto circle = circle_of(p);
    sum[circle] += mean[at(p)] - b;
    weight[circle] += double{detector.correction[at(p)]};
  }
  double last = 0;
  std::vector<double> level(kCircles + 1);
  for (std::size_t c = 0; c < level.size(); ++c) {
    if (weight[c] > 0) last = std::max(sum[c] / weight[c], 0.0);
    level[c] = last;
  }
  std::vector<float> out(at(detector.pixels()), 0.0f);
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] == PixelClass::kBad) continue;
    const auto circle = circle_of(p);
    out[at(p)] = static_cast<float>(level[circle] * double{detector.correction[at(p)]});
  }
  return out;
}

std::vector<double> pattern_scores(compute::Cpu& cpu, const PatternSet& frames,
                                   const Detector& detector, std::span<const float> pattern,
                                   const MatchOptions& options) {
  const auto chosen = matched_pixels(detector, options.qlimit);
  const float top = *std::max_element(pattern.begin(), pattern.end());
  double u = 0, dark = 0;
  std::vector<double> m(pattern.size(), 0.0);
  for (std::size_t p = 0; p < m.size(); ++p) {
    if (chosen[p] == 0) continue;
    m[p] = double{std::max(pattern[p], kModelFloor * top)};
    u += m[p];
    if (!options.background.empty()) dark += double{options.background[p]};
  }
  std::vector<double> out(at(frames.frames()), 0.0);
  for_rows(cpu, frames, [&](Index frame, Index, const float* row) {
    double total = 0, score = 0;
    for (std::size_t p = 0; p < m.size(); ++p) total += chosen[p] != 0 ? double{row[p]} : 0.0;
    const double phi = std::max(total - dark, 1e-3 * total) / u;
    for (std::size_t p = 0; p < m.size(); ++p) {
      if (chosen[p] == 0) continue;
      const double k = double{row[p]};
      if (options.metric == Metric::kSqrt) {
        score += std::sqrt(k * m[p]);
      } else if (options.metric == Metric::kEuclid) {
        score -= (k - phi * m[p]) * (k - phi * m[p]);
      } else if (k > 0) {
        score += options.background.empty()
                     ? k * std::log(m[p] / u)
                     : k * std::log(phi * m[p] + double{options.background[p]});
      }
    }
    if (options.metric == Metric::kSqrt) score = nats_of(options.metric, score / std::sqrt(u));
    if (options.metric == Metric::kPoisson && !options.background.empty()) score -= phi * u;
    out[at(frame)] = score;
  });
  return out;
}

double nats_of(Metric metric, double score) {
  return metric == Metric::kSqrt ? 2 * score * score : score;
}

}  // namespace unfold::spi
