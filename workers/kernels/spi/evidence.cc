#include "workers/kernels/spi/evidence.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/radial.h"

namespace unfold::spi {
namespace {

constexpr Index kBlock = 64;  // references whose slices are held at once

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// ln sum exp, term by term.
struct LogSum {
  double top = -INFINITY, sum = 0;

  void add(double x) {
    if (x > top) {
      sum = sum * std::exp(top - x) + 1;
      top = x;
    } else {
      sum += std::exp(x - top);
    }
  }
  double value() const { return top + std::log(sum); }
};

/// In lanes, so that it runs in vectors and adds in the same order everywhere.
float dot(const float* a, const float* b, Index n) {
  float lane[8] = {};
  Index i = 0;
  for (; i + 8 <= n; i += 8) {
    for (Index k = 0; k < 8; ++k) lane[k] += a[i + k] * b[i + k];
  }
  for (; i < n; ++i) lane[0] += a[i] * b[i];
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

/// A slice over the pixels that are matched: raised to the floor, its sum, and ln(m / u).
struct Reference {
  std::vector<float> model, log;
  double sum = 0;
};

Reference reference_of(const float* slice, Index pixels) {
  Reference out;
  const float top = std::max(*std::max_element(slice, slice + pixels), 1e-30f);
  for (Index p = 0; p < pixels; ++p) {
    out.model.push_back(std::max(slice[p], kModelFloor * top));
    out.sum += double{out.model.back()};
  }
  for (const float m : out.model)
    out.log.push_back(static_cast<float>(std::log(double{m} / out.sum)));
  return out;
}

/// The frames' matched pixels, and what lies under them.
class Scorer {
 public:
  Scorer(const PatternSet& frames, const Detector& detector, const MatchOptions& options)
      : options_(options) {
    const auto chosen =
        matched_pixels(detector, options.qlimit > 0 ? options.qlimit : full_qlimit(detector));
    for (Index p = 0; p < detector.pixels(); ++p) {
      if (chosen[at(p)] != 0) pixels_.push_back(static_cast<std::uint32_t>(p));
    }
    std::vector<float> rows(at(frames.frames() * frames.pixels()));
    frames.rows(0, frames.frames(), View<float, 2>(rows.data(), frames.frames(), frames.pixels()));
    for (Index i = 0; i < frames.frames(); ++i) {
      for (const std::uint32_t p : pixels_) values_.push_back(rows[at(i * frames.pixels()) + p]);
    }
    for (const std::uint32_t p : pixels_) {
      if (!options.background.empty()) background_.push_back(options.background[p]);
    }
  }

  std::span<const std::uint32_t> pixels() const { return pixels_; }
  Index count() const { return static_cast<Index>(pixels_.size()); }

  double score(Index frame, const Reference& reference) const {
    const float* k = &values_[at(frame * count())];
    if (background_.empty()) return double{dot(k, reference.log.data(), count())};
    const double phi = options_.fluence[at(frame)];
    double sum = -phi * reference.sum;
    for (std::size_t p = 0; p < pixels_.size(); ++p) {
      if (k[p] <= 0) continue;
      sum += double{k[p]} * std::log(phi * double{reference.model[p]} + double{background_[p]});
    }
    return sum;
  }

 private:
  MatchOptions options_;
  std::vector<std::uint32_t> pixels_;
  std::vector<float> values_;  ///< [N, P']
  std::vector<float> background_;
};

}  // namespace

Gain gain_of(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (values.size() < 2) return {};
  double mean = 0, square = 0;
  for (const double v : values) mean += v / n;
  for (const double v : values) square += (v - mean) * (v - mean);
  return {mean, std::sqrt(square / (n - 1) / n)};
}

Prediction predict(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
                   Index grid, std::span<const std::vector<double>> autocorrelation,
                   std::span<const Quaternion> references, const MatchOptions& options,
                   double unit) {
  const Index n = frames.frames();
  const auto maps = static_cast<Index>(autocorrelation.size());
  const Scorer scorer(frames, detector, options);
  std::vector<LogSum> sums(at(maps * n));
  Slicer slicer(cpu, grid, detector);
  for (Index c = 0; c < maps; ++c) {
    slicer.set(View<const double, 3>(autocorrelation[at(c)].data(), grid, grid, grid));
    for (Index first = 0; first < static_cast<Index>(references.size()); first += kBlock) {
      const Index count = std::min(kBlock, static_cast<Index>(references.size()) - first);
      std::vector<float> slices(at(count * scorer.count()));
      slicer.slices(references.subspan(at(first), at(count)), scorer.pixels(),
                    View<float, 2>(slices.data(), count, scorer.count()));
      std::vector<Reference> block(at(count));
      cpu.parallel_for(count, [&](Index j) {
        block[at(j)] = reference_of(&slices[at(j * scorer.count())], scorer.count());
      });
      cpu.parallel_for(n, [&](Index i) {
        for (const Reference& r : block) sums[at(c * n + i)].add(unit * scorer.score(i, r));
      });
    }
  }
  Prediction out{std::vector<double>(at(n)), std::vector<std::int32_t>(at(n), 0)};
  const double prior = std::log(static_cast<double>(maps) * static_cast<double>(references.size()));
  for (Index i = 0; i < n; ++i) {
    LogSum all;
    double highest = -INFINITY;
    for (Index c = 0; c < maps; ++c) {
      const double value = sums[at(c * n + i)].value();
      all.add(value);
      if (value <= highest) continue;
      highest = value;
      out.conformation[at(i)] = static_cast<std::int32_t>(c);
    }
    out.log_evidence[at(i)] = all.value() - prior;
  }
  return out;
}

}  // namespace unfold::spi
