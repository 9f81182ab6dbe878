#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/radial.h"
#include "workers/kernels/spi/run_state.h"

// What a generation learns of the frames besides their orientations: whether they are hits, how
// bright they are, and what lies under them.
namespace unfold::spi {
namespace {

constexpr Index kBlock = 512;  // frames whose slices are held at once
constexpr double kLeastHits = 0.25;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// ln of the sum of exp over one frame's candidates.
double summed(const Candidates& found, std::size_t frame) {
  const std::size_t k = at(found.per_frame);
  const double top = double{found.score[frame * k]};
  double sum = 0;
  for (std::size_t j = 0; j < k; ++j) sum += std::exp(double{found.score[frame * k + j]} - top);
  return top + std::log(sum);
}

}  // namespace

void Run::State::look_at_mean(const Rung& rung) {
  if (rung.qlimit == mean_qlimit) return;
  const MatchOptions match = match_options(rung);
  const auto mean = radial_mean(cpu, frames, detector, estimate.non_hit, estimate.background);
  estimate.score_of_mean = pattern_scores(cpu, frames, detector, mean, match);
  structureless = pattern_scores(cpu, frames, detector, detector.correction, match);
  for (std::size_t i = 0; i < structureless.size(); ++i) {
    structureless[i] = std::max(structureless[i], estimate.score_of_mean[i]);
  }
  mean_qlimit = rung.qlimit;
}

/// A frame is a hit where the evidence of the oriented model, its likelihood averaged over the
/// orientations tried, exceeds that of a pattern without orientation.
void Run::State::judge_hits(const Candidates& found, Index tried) {
  if (!scale.counts) return;  // clean intensities carry no likelihood to judge by
  std::vector<std::uint8_t> non_hit(estimate.non_hit.size(), 0);
  double hits = 0;
  for (std::size_t i = 0; i < non_hit.size(); ++i) {
    const double evidence = summed(found, i) - std::log(static_cast<double>(tried));
    non_hit[i] = evidence <= structureless[i] ? 1 : 0;
    hits += non_hit[i] == 0;
  }
  // A model that explains almost no frame says nothing about any of them.
  if (hits < kLeastHits * static_cast<double>(non_hit.size())) return;
  if (non_hit != estimate.non_hit) mean_qlimit = 0;
  estimate.non_hit = std::move(non_hit);
}

/// Fluence from the ratio of measured and expected photons; background, where it is fitted, from
/// what is left over.
void Run::State::fit_frames() {
  // While orientations are wrong the model leaves signal over, which is no background.
  const bool fits = options.fit_background && rungs[at(place.rung)].stage != Stage::kCoarse;
  if (!options.scaling && !fits) return;
  const Index n = frames.frames(), pixels = static_cast<Index>(good.size());
  double dark = 0;
  for (const std::uint32_t p : good) {
    dark += estimate.background.empty() ? 0.0 : double{estimate.background[p]};
  }
  std::vector<double> left(at(detector.pixels()), 0.0), fluence(at(n), 1.0);
  std::vector<float> slices(at(kBlock * pixels)), rows(at(kBlock * frames.pixels()));
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    std::vector<Index> mine;
    for (Index i = 0; i < n; ++i) {
      if (estimate.conformation[at(i)] == static_cast<std::int32_t>(c)) mine.push_back(i);
    }
    for (Index first = 0; first < static_cast<Index>(mine.size()); first += kBlock) {
      const Index count = std::min(kBlock, static_cast<Index>(mine.size()) - first);
      const std::span<const Index> block(&mine[at(first)], at(count));
      std::vector<Quaternion> turns;
      for (const Index i : block) turns.push_back(estimate.orientation[at(i)]);
      slicers[c].slices(turns, good, View<float, 2>(slices.data(), count, pixels));
      if (fits) {
        frames.rows(block, View<float, 2>(rows.data(), count, frames.pixels()));
      }
      for (Index i = 0; i < count; ++i) {
        const Index frame = block[at(i)];
        float* m = &slices[at(i * pixels)];
        double expected = 0;
        for (Index p = 0; p < pixels; ++p) {
          m[p] = std::max(m[p], 0.0f);
          expected += double{m[p]};
        }
        const double photons = std::max(good_total[at(frame)] - dark, 1e-3 * good_total[at(frame)]);
        fluence[at(frame)] = photons / std::max(expected, 1e-30);
        if (!fits || estimate.non_hit[at(frame)] != 0) continue;
        for (Index p = 0; p < pixels; ++p) {
          const auto pixel = good[at(p)];
          left[pixel] +=
              double{rows[at(i * frames.pixels()) + pixel]} - fluence[at(frame)] * double{m[p]};
        }
      }
    }
  }
  double mean = 0, hits = 0;
  for (Index i = 0; i < n; ++i) {
    if (estimate.non_hit[at(i)] != 0) continue;
    mean += fluence[at(i)];
    hits += 1;
  }
  mean /= hits;
  if (options.scaling) {
    for (std::size_t i = 0; i < fluence.size(); ++i) {
      estimate.fluence[i] = std::max(fluence[i] / mean, 1e-3);
    }
  }
  if (!fits) return;
  mean_qlimit = 0;  // what has no structure is scored with the background, too
  for (const std::uint32_t p : good) {
    estimate.background[p] =
        static_cast<float>(std::max(0.5 * (double{estimate.background[p]} + left[p] / hits), 0.0));
  }
}

}  // namespace unfold::spi
