#include "workers/kernels/spi/background.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace unfold::spi {
namespace {

constexpr int kNewtonSteps = 30;
constexpr double kLeastVariance = 0.003;  // of fluence, relative: 5 %
constexpr double kBrightShare = 0.25;     // of the photons: the least that a bright disc holds
constexpr Index kCircles = 32;
constexpr Index kBlock = 64;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Circle of every pixel that is good; -1 elsewhere.
std::vector<Index> circles_of(const Detector& detector) {
  std::vector<Index> out(at(detector.pixels()), -1);
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] != PixelClass::kGood) continue;
    const double* q = &detector.q[3 * at(p)];
    const double radius = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]);
    out[at(p)] = std::min<Index>(std::lround(radius / detector.qmax * kCircles), kCircles);
  }
  return out;
}

/// Means of the circles' sums, and their covariance with the total, photon noise taken off.
struct Growth {
  std::vector<double> mean, with_total;
};

Growth growth_of(const PatternSet& frames, std::span<const Index> circle, bool counts) {
  const std::size_t circles = at(kCircles + 1);
  const Index pixels = frames.pixels();
  const auto n = static_cast<double>(frames.frames());
  std::vector<double> sum(circles, 0.0), product(circles, 0.0);
  std::vector<float> rows(at(kBlock * pixels));
  double all = 0;
  for (Index first = 0; first < frames.frames(); first += kBlock) {
    const Index count = std::min(kBlock, frames.frames() - first);
    frames.rows(first, count, View<float, 2>(rows.data(), count, pixels));
    for (Index i = 0; i < count; ++i) {
      std::vector<double> of_frame(circles, 0.0);
      for (Index p = 0; p < pixels; ++p) {
        if (circle[at(p)] >= 0) of_frame[at(circle[at(p)])] += double{rows[at(i * pixels + p)]};
      }
      const double total = std::accumulate(of_frame.begin(), of_frame.end(), 0.0);
      all += total / n;
      for (std::size_t c = 0; c < circles; ++c) {
        sum[c] += of_frame[c] / n;
        product[c] += of_frame[c] * total / n;
      }
    }
  }
  Growth out{sum, product};
  for (std::size_t c = 0; c < circles; ++c) {
    out.with_total[c] -= sum[c] * all + (counts ? sum[c] : 0.0);
  }
  return out;
}

}  // namespace

double poisson_fluence(std::span<const float> photons, std::span<const float> slice,
                       std::span<const float> background) {
  double expected = 0, seen = 0;
  for (std::size_t p = 0; p < slice.size(); ++p) {
    expected += double{slice[p]};
    if (slice[p] > 0) seen += double{photons[p]};
  }
  if (expected <= 0) return 0;
  // The score falls and is convex: Newton from its left never overshoots. Without a background the
  // ratio of totals is exact; with one it lies to the right, where a step may pass 0.
  double phi = seen / expected;
  for (int step = 0; step < kNewtonSteps && phi > 0; ++step) {
    double score = -expected, slope = 0;
    for (std::size_t p = 0; p < slice.size(); ++p) {
      if (photons[p] <= 0 || slice[p] <= 0) continue;
      const double m = double{slice[p]};
      const double share = m / (phi * m + double{background[p]});
      score += double{photons[p]} * share;
      slope += double{photons[p]} * share * share;
    }
    if (slope <= 0) break;
    const double next = std::max(phi + score / slope, phi / 8);
    const bool settled = std::abs(next - phi) <= 1e-6 * phi;
    phi = next < 1e-6 * seen / expected ? 0 : next;
    if (settled) break;
  }
  return phi;
}

BackgroundStep::BackgroundStep(std::span<const float> before)
    : before_(before.begin(), before.end()),
      over_(before.size(), 0.0),
      weight_(before.size(), 0.0) {
  const double sum = std::accumulate(before_.begin(), before_.end(), 0.0);
  floor_ = sum > 0 ? 0.05 * sum / static_cast<double>(before_.size()) : 0;
}

void BackgroundStep::add(std::span<const float> photons, std::span<const float> slice,
                         double fluence) {
  double mean = 0;
  for (const float k : photons) mean += double{k};
  const double floor = std::max(floor_, 1e-2 * mean / static_cast<double>(photons.size()));
  for (std::size_t p = 0; p < before_.size(); ++p) {
    const double signal = fluence * double{slice[p]};
    const double weight = 1 / std::max(signal + before_[p], floor);
    over_[p] += weight * (double{photons[p]} - signal);
    weight_[p] += weight;
  }
}

std::vector<float> BackgroundStep::background() const {
  std::vector<float> out(before_.size());
  for (std::size_t p = 0; p < out.size(); ++p) {
    out[p] = weight_[p] > 0 ? static_cast<float>(std::max(over_[p] / weight_[p], 0.0))
                            : static_cast<float>(before_[p]);
  }
  return out;
}

std::vector<float> steady_background(const PatternSet& frames, const Detector& detector,
                                     bool counts) {
  const std::vector<Index> circle = circles_of(detector);
  const Growth growth = growth_of(frames, circle, counts);
  const double total = std::accumulate(growth.mean.begin(), growth.mean.end(), 0.0);
  const double variance = std::accumulate(growth.with_total.begin(), growth.with_total.end(), 0.0);
  std::vector<float> out(at(detector.pixels()), 0.0f);
  if (total <= 0 || variance < kLeastVariance * total * total) return out;
  // Mean signal: what all slopes times it leave nothing over of in the brightest disc.
  double signal = total, mean = 0, slope = 0;
  for (std::size_t c = 0; c < growth.mean.size(); ++c) {
    mean += growth.mean[c];
    slope += growth.with_total[c] / variance;
    if (mean >= kBrightShare * total && slope > 0) signal = std::min(signal, mean / slope);
  }
  std::vector<double> pixels(growth.mean.size(), 0.0);
  for (const Index c : circle) {
    if (c >= 0) pixels[at(c)] += 1;
  }
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (circle[at(p)] < 0) continue;
    const std::size_t c = at(circle[at(p)]);
    const double left = growth.mean[c] - growth.with_total[c] / variance * signal;
    out[at(p)] = static_cast<float>(std::max(left / pixels[c], 0.0));
  }
  return out;
}

}  // namespace unfold::spi
