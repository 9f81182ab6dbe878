#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/background.h"
#include "workers/kernels/spi/radial.h"
#include "workers/kernels/spi/run_state.h"

// What a generation learns of the frames besides their orientations: whether they are hits, how
// bright they are, and what lies under them.
namespace unfold::spi {
namespace {

constexpr Index kBlock = 512;  // frames whose slices are held at once
constexpr double kLeastHits = 0.25;
constexpr int kBackgroundSteps = 4;

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

/// Fluence and, where it is fitted, background. Each step of the background needs all slices again.
void Run::State::fit_frames() {
  // While orientations are wrong the model leaves signal over, which is no background.
  const bool fits = options.fit_background && rungs[at(place.rung)].stage != Stage::kCoarse;
  if (!options.scaling && !fits) return;
  for (int step = 0; fits && step < kBackgroundSteps; ++step) {
    std::vector<float> before;
    for (const std::uint32_t p : good) before.push_back(estimate.background[p]);
    BackgroundStep next(before);
    for_slices([&](Index frame, std::span<const float> photons, std::span<const float> slice) {
      if (estimate.non_hit[at(frame)] != 0) return;
      next.add(photons, slice, options.scaling ? poisson_fluence(photons, slice, before) : 1.0);
    });
    const std::vector<float> after = next.background();
    for (std::size_t p = 0; p < good.size(); ++p) estimate.background[good[p]] = after[p];
  }
  if (fits) mean_qlimit = 0;  // what has no structure is scored with the background, too
  if (!options.scaling) return;
  std::vector<float> dark(good.size(), 0.0f);
  for (std::size_t p = 0; p < dark.size() && !estimate.background.empty(); ++p) {
    dark[p] = estimate.background[good[p]];
  }
  double mean = 0, hits = 0;
  for_slices([&](Index frame, std::span<const float> photons, std::span<const float> slice) {
    estimate.fluence[at(frame)] = poisson_fluence(photons, slice, dark);
    if (estimate.non_hit[at(frame)] != 0) return;
    mean += estimate.fluence[at(frame)];
    hits += 1;
  });
  const double unit = mean > 0 ? mean / hits : 1;
  for (double& phi : estimate.fluence) phi = std::max(phi / unit, 1e-3);
}

/// Calls body(frame, photons, slice at its orientation) at the good pixels, one after another.
void Run::State::for_slices(
    const std::function<void(Index, std::span<const float>, std::span<const float>)>& body) {
  const Index n = frames.frames(), pixels = static_cast<Index>(good.size());
  std::vector<float> slices(at(kBlock * pixels)), rows(at(kBlock * frames.pixels()));
  std::vector<float> photons(good.size());
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
      frames.rows(block, View<float, 2>(rows.data(), count, frames.pixels()));
      for (Index i = 0; i < count; ++i) {
        const std::span slice(&slices[at(i * pixels)], good.size());
        for (std::size_t p = 0; p < good.size(); ++p) {
          slice[p] = std::max(slice[p], 0.0f);
          photons[p] = rows[at(i * frames.pixels()) + good[p]];
        }
        body(block[at(i)], photons, slice);
      }
    }
  }
}

}  // namespace unfold::spi
