#include "workers/kernels/spi/search.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "workers/kernels/spi/radial.h"

namespace unfold::spi {
namespace {

constexpr float kSmallestWeight = 1e-3f;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// The best `top` of what each conformation kept.
void pick(std::span<const Matches> found, std::span<const Quaternion> references, Metric metric,
          Index frame, Candidates& out) {
  const Index top = out.per_frame;
  std::vector<Index> next(found.size(), 0);
  for (Index k = 0; k < top; ++k) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < found.size(); ++c) {
      if (found[c].score[at(frame * top + next[c])] >
          found[best].score[at(frame * top + next[best])]) {
        best = c;
      }
    }
    const std::size_t from = at(frame * top + next[best]++), to = at(frame * top + k);
    out.reference[to] = found[best].reference[from];
    out.rotation[to] = references[at(found[best].reference[from])];
    out.conformation[to] = static_cast<std::int32_t>(best);
    out.score[to] = static_cast<float>(nats_of(metric, double{found[best].score[from]}));
  }
}

}  // namespace

Candidates search_globally(compute::Cpu& cpu, const PatternSet& frames,
                           std::span<const Slicer> slicers, std::span<const Quaternion> references,
                           const MatchOptions& options) {
  std::vector<Matches> found;
  for (const Slicer& slicer : slicers) {
    found.push_back(match(cpu, frames, slicer, references, options));
  }
  const Index n = frames.frames();
  Candidates out;
  out.per_frame = found[0].top;
  const std::size_t size = at(n * out.per_frame);
  out.rotation.resize(size);
  out.conformation.resize(size);
  out.score.resize(size);
  out.reference.resize(size);
  for (Index i = 0; i < n; ++i) pick(found, references, options.metric, i, out);
  return out;
}

Candidates search_locally(compute::Cpu& cpu, const PatternSet& frames,
                          std::span<const Slicer> slicers, std::span<const Quaternion> start,
                          Index starts, std::span<const std::int32_t> conformation,
                          std::span<const Quaternion> turns, const MatchOptions& options) {
  const Index n = frames.frames(), top = options.top;
  Candidates out;
  out.per_frame = top;
  out.rotation.resize(at(n * top));
  out.conformation.resize(at(n * top));
  out.score.resize(at(n * top));
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    std::vector<Index> mine;
    for (Index i = 0; i < n; ++i) {
      if (conformation[at(i)] == static_cast<std::int32_t>(c)) mine.push_back(i);
    }
    if (mine.empty()) continue;
    std::vector<Quaternion> from;
    std::vector<double> fluence;
    for (const Index i : mine) {
      for (Index s = 0; s < starts; ++s) from.push_back(start[at(i * starts + s)]);
      if (!options.fluence.empty()) fluence.push_back(options.fluence[at(i)]);
    }
    MatchOptions of_mine = options;
    of_mine.fluence = fluence;
    const bool all = static_cast<Index>(mine.size()) == n;
    const LocalMatches found = match_near(cpu, all ? frames : frames.subset(mine), slicers[c], from,
                                          starts, turns, of_mine);
    for (std::size_t i = 0; i < mine.size(); ++i) {
      for (Index k = 0; k < top; ++k) {
        const std::size_t to = at(mine[i] * top + k), place = i * at(top) + at(k);
        out.rotation[to] = found.rotation[place];
        out.conformation[to] = static_cast<std::int32_t>(c);
        out.score[to] = static_cast<float>(nats_of(options.metric, double{found.score[place]}));
      }
    }
  }
  return out;
}

Candidates search_nearby(compute::Cpu& cpu, const PatternSet& frames,
                         std::span<const Slicer> slicers, std::span<const Quaternion> start,
                         std::span<const Quaternion> turns, const MatchOptions& options) {
  MatchOptions best = options;
  best.top = 1;
  Candidates out;
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    const std::vector<std::int32_t> all(start.size(), static_cast<std::int32_t>(c));
    Candidates found = search_locally(cpu, frames, slicers, start, 1, all, turns, best);
    if (c == 0) out = found;
    for (std::size_t i = 0; i < found.score.size(); ++i) {
      if (found.score[i] <= out.score[i]) continue;
      out.score[i] = found.score[i];
      out.rotation[i] = found.rotation[i];
      out.conformation[i] = found.conformation[i];
    }
  }
  return out;
}

std::vector<float> soft_weights(const Candidates& candidates, double beta) {
  std::vector<float> weight = posterior(candidates.score, candidates.per_frame, beta);
  const std::size_t k = at(candidates.per_frame);
  for (std::size_t first = 0; first < weight.size(); first += k) {
    float kept = 0;
    for (std::size_t j = first; j < first + k; ++j) {
      if (weight[j] < kSmallestWeight) weight[j] = 0;
      kept += weight[j];
    }
    for (std::size_t j = first; j < first + k; ++j) weight[j] /= kept;
  }
  return weight;
}

double entropy_of(std::span<const float> weights, Index per_frame) {
  double sum = 0;
  for (const float w : weights) {
    if (w > 0) sum -= double{w} * std::log(double{w});
  }
  return weights.empty() ? 0 : sum * static_cast<double>(per_frame) / double(weights.size());
}

}  // namespace unfold::spi
