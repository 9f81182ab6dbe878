#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/kernels/spi/best_list.h"
#include "workers/kernels/spi/matching.h"
#include "workers/kernels/spi/scoring.h"

namespace unfold::spi {
namespace {

/// One thread's room.
struct Room {
  explicit Room(const Scoring& scoring) : model(static_cast<std::size_t>(scoring.size())) {}
  std::vector<float> row;
  std::vector<float> model;
  ScoredFrame frame;
};

/// A frame's candidates: each of some starts by each of some turns.
struct Neighbourhood {
  std::span<const Quaternion> start;
  std::span<const Quaternion> turns;

  std::size_t size() const { return start.size() * turns.size(); }
  Quaternion operator[](std::size_t place) const {
    return multiply(start[place / turns.size()], turns[place % turns.size()]);
  }
};

/// The best `top`, exact scores: quick slices say which are worth an exact one.
std::vector<Candidate> best_near(const Slicer& slicer, const Scoring& scoring,
                                 const Neighbourhood& near, std::size_t top, Room& room) {
  std::vector<Candidate> likely(
      std::min(top + static_cast<std::size_t>(kDoubtfulNear), near.size()));
  for (std::size_t c = 0; c < near.size(); ++c) {
    slicer.quick_slice(near[c], scoring.choice(), room.model.data());
    insert(std::span(likely),
           {scoring.score(room.model.data(), room.frame), static_cast<std::int32_t>(c)});
  }
  std::vector<Candidate> best(top);
  for (const Candidate& candidate : likely) {
    if (candidate.place < 0) continue;
    slicer.slice(near[static_cast<std::size_t>(candidate.place)], scoring.choice(),
                 room.model.data());
    insert(std::span(best), {scoring.score(room.model.data(), room.frame), candidate.place});
  }
  return best;
}

}  // namespace

LocalMatches match_near(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                        std::span<const Quaternion> start, Index starts,
                        std::span<const Quaternion> turns, const MatchOptions& options) {
  if (static_cast<Index>(start.size()) != frames.frames() * starts || turns.empty() || starts < 1)
    throw std::invalid_argument("each frame needs as many orientations to start from");
  if (options.device != nullptr) {
    auto found = options.device->match_near(cpu, frames, slicer, start, starts, turns, options);
    if (found) return *std::move(found);
  }
  const Scoring scoring(cpu, frames, slicer, options);
  const auto top = static_cast<std::size_t>(options.top);
  const auto frame_count = static_cast<std::size_t>(frames.frames());
  LocalMatches matches{.top = options.top, .rotation = {}, .score = {}};
  matches.rotation.resize(frame_count * top);
  matches.score.resize(frame_count * top);
  cpu.parallel_for(frames.frames(), [&](Index i) {
    Room room(scoring);
    scoring.read(frames, i, room.row, room.frame);
    const Neighbourhood near{
        start.subspan(static_cast<std::size_t>(i * starts), static_cast<std::size_t>(starts)),
        turns};
    const std::vector<Candidate> best = best_near(slicer, scoring, near, top, room);
    for (std::size_t k = 0; k < top; ++k) {
      const std::size_t to = static_cast<std::size_t>(i) * top + k;
      matches.score[to] = best[k].score;
      matches.rotation[to] = near[static_cast<std::size_t>(std::max(best[k].place, 0))];
    }
  });
  return matches;
}

std::vector<float> scores(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                          std::span<const Quaternion> rotation, Index per_frame,
                          const MatchOptions& options) {
  if (static_cast<Index>(rotation.size()) != frames.frames() * per_frame)
    throw std::invalid_argument("each frame needs as many rotations");
  const Scoring scoring(cpu, frames, slicer, options);
  std::vector<float> score(rotation.size());
  cpu.parallel_for(frames.frames(), [&](Index i) {
    Room room(scoring);
    scoring.read(frames, i, room.row, room.frame);
    for (Index k = i * per_frame; k < (i + 1) * per_frame; ++k) {
      const auto pair = static_cast<std::size_t>(k);
      slicer.slice(rotation[pair], scoring.choice(), room.model.data());
      score[pair] = scoring.score(room.model.data(), room.frame);
    }
  });
  return score;
}

std::vector<float> mean_scores(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                               const MatchOptions& options) {
  const Scoring scoring(cpu, frames, slicer, options);
  std::vector<float> model(static_cast<std::size_t>(scoring.size()));
  slicer.mean_slice(scoring.choice(), model.data());
  std::vector<float> score(static_cast<std::size_t>(frames.frames()));
  cpu.parallel_for(frames.frames(), [&](Index i) {
    Room room(scoring);
    scoring.read(frames, i, room.row, room.frame);
    score[static_cast<std::size_t>(i)] = scoring.score(model.data(), room.frame);
  });
  return score;
}

std::vector<double> slice_totals(compute::Cpu& cpu, const Slicer& slicer,
                                 std::span<const Quaternion> rotations,
                                 const MatchOptions& options) {
  const PatternSet none = PatternSet::dense(0, slicer.detector().pixels(), std::vector<float>{});
  MatchOptions plain = options;
  plain.metric = Metric::kPoisson;
  plain.background = {};
  const Scoring scoring(cpu, none, slicer, plain);
  std::vector<double> totals(rotations.size());
  cpu.parallel_for(static_cast<Index>(rotations.size()), [&](Index j) {
    Room room(scoring);
    slicer.slice(rotations[static_cast<std::size_t>(j)], scoring.choice(), room.model.data());
    totals[static_cast<std::size_t>(j)] = scoring.total(room.model.data());
  });
  return totals;
}

std::vector<float> posterior(std::span<const float> score, Index per_frame, double beta) {
  std::vector<float> weight(score.size(), 0.0f);
  const auto count = static_cast<std::size_t>(per_frame);
  for (std::size_t first = 0; first + count <= score.size(); first += count) {
    const auto row = score.subspan(first, count);
    const double best = *std::max_element(row.begin(), row.end());
    if (!std::isfinite(best)) continue;
    const auto term = [&](float s) { return std::isfinite(s) ? std::exp(beta * (s - best)) : 0.0; };
    double sum = 0;
    for (const float s : row) sum += term(s);
    for (std::size_t k = 0; k < count; ++k)
      weight[first + k] = static_cast<float>(term(row[k]) / sum);
  }
  return weight;
}

}  // namespace unfold::spi
