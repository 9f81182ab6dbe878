#include <algorithm>
#include <cmath>
#include <utility>

#include "workers/compute/random.h"
#include "workers/kernels/spi/run_state.h"
#include "workers/kernels/spi/survey.h"

// The searches of a generation, and what is taken from them.
namespace unfold::spi {
namespace {

constexpr std::uint64_t kReferenceStream = 0x726566;
constexpr Index kLocalTurns = 30;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Angle between two orientations, or between one and the other turned by 180 degrees about the
/// beam, which a nearly flat Ewald sphere cannot tell apart (Friedel).
double turn_between(const Quaternion& a, const Quaternion& b) {
  return std::min(angle_between(a, b), angle_between(multiply({0, 0, 0, 1}, a), b));
}

}  // namespace

Placement Run::State::start() const {
  Placement out;
  out.candidates.per_frame = 1;
  out.candidates.rotation = estimate.orientation;
  out.candidates.conformation = estimate.conformation;
  out.candidates.score.assign(estimate.orientation.size(), 0.0f);
  out.weight.assign(estimate.orientation.size(), 1.0f);
  return out;
}

Placement Run::State::search(const Rung& rung, Generation& made) {
  for (std::size_t c = 0; c < maps().size(); ++c) {
    slicers[c].set(
        View<const double, 3>(model[c].data(), options.grid, options.grid, options.grid));
  }
  const MatchOptions match = match_options(rung);
  if (place.refresh) return search_again(rung, match, made);
  if (rung.stage == Stage::kLocal) return search_near(rung, match, made);
  Placement out;
  made.references = references_for(rung.spacing);
  out.references = reference_rotations(
      made.references,
      random_rotation(options.seed, kReferenceStream, static_cast<std::uint64_t>(made.number)));
  out.candidates = search_globally(cpu, frames, maps(), out.references, match);
  out.weight = soft_weights(out.candidates, made.beta);
  made.entropy = entropy_of(out.weight, out.candidates.per_frame);
  return out;
}

Placement Run::State::search_near(const Rung& rung, const MatchOptions& match, Generation& made) {
  Placement out;
  MatchOptions best = match;
  best.top = 1;
  const auto turns =
      local_turns(rung.spacing, kLocalTurns, options.seed, static_cast<std::uint64_t>(made.number));
  made.references = kLocalTurns;
  out.candidates = search_nearby(cpu, frames, maps(), estimate.orientation, turns, best);
  out.weight.assign(out.candidates.score.size(), 1.0f);
  return out;
}

Placement Run::State::search_again(const Rung& rung, const MatchOptions& match, Generation& made) {
  Rung wide = rung;
  const auto global = std::find_if(rungs.begin(), rungs.end(),
                                   [](const Rung& r) { return r.stage == Stage::kGlobal; });
  wide.spacing = global->spacing;
  MatchOptions best = match;
  best.top = 1;
  made.references = references_for(wide.spacing);
  const auto references = reference_rotations(
      made.references,
      random_rotation(options.seed, kReferenceStream, static_cast<std::uint64_t>(made.number)));
  const Candidates found = search_globally(cpu, frames, maps(), references, best);
  // Both basins are searched at the reach of half a spacing, and the better one is kept.
  const auto turns = local_turns(wide.spacing / 2, kLocalTurns, options.seed,
                                 static_cast<std::uint64_t>(made.number));
  const Candidates far =
      search_locally(cpu, frames, maps(), found.rotation, 1, found.conformation, turns, best);
  const auto fine =
      local_turns(rung.spacing, kLocalTurns, options.seed, static_cast<std::uint64_t>(made.number));
  Placement out;
  out.candidates = search_nearby(cpu, frames, maps(), estimate.orientation, fine, best);
  Index left = 0;
  for (std::size_t i = 0; i < far.score.size(); ++i) {
    if (far.score[i] <= out.candidates.score[i]) continue;
    if (turn_between(far.rotation[i], estimate.orientation[i]) > wide.spacing) ++left;
    out.candidates.score[i] = far.score[i];
    out.candidates.rotation[i] = far.rotation[i];
    out.candidates.conformation[i] = far.conformation[i];
  }
  moved = static_cast<double>(left) / static_cast<double>(frames.frames());
  out.weight.assign(out.candidates.score.size(), 1.0f);
  return out;
}

/// Conformations that have a map.
std::span<const Slicer> Run::State::maps() const {
  const auto made =
      std::count_if(model.begin(), model.end(), [](const auto& m) { return !m.empty(); });
  return {slicers.data(), at(std::max<Index>(made, 1))};
}

/// One map is found with all frames; then each conformation gets a random share of them, at their
/// orientations. From random conformations on, one would take all frames before any is a map.
void Run::State::share_out(Placement& placement) const {
  Candidates& found = placement.candidates;
  const std::size_t k = at(found.per_frame);
  for (std::size_t i = 0; i < estimate.orientation.size(); ++i) {
    compute::Random random(options.seed, kConformationStream, i);
    std::fill_n(found.conformation.begin() + static_cast<std::ptrdiff_t>(i * k), k,
                static_cast<std::int32_t>(random.uniform() * options.conformations));
  }
}

/// A conformation that next to no frame went to gets a random half of the largest one's.
void Run::State::fill_empty(Placement& placement, int generation) const {
  constexpr double kLeastShare = 0.02;
  Candidates& found = placement.candidates;
  const std::size_t k = at(found.per_frame), n = estimate.orientation.size();
  const auto least = static_cast<Index>(kLeastShare * static_cast<double>(n)) + 1;
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    std::vector<Index> held(slicers.size(), 0);
    for (std::size_t i = 0; i < n; ++i) {
      if (estimate.non_hit[i] == 0) ++held[at(found.conformation[i * k])];
    }
    if (held[c] >= least) continue;
    const auto largest = std::max_element(held.begin(), held.end()) - held.begin();
    for (std::size_t i = 0; i < n; ++i) {
      compute::Random random(options.seed + static_cast<std::uint64_t>(generation),
                             kConformationStream + 1 + c, i);
      if (found.conformation[i * k] != largest || random.uniform() < 0.5) continue;
      std::fill_n(found.conformation.begin() + static_cast<std::ptrdiff_t>(i * k), k,
                  static_cast<std::int32_t>(c));
    }
  }
}

void Run::State::adopt(const Placement& placement, Generation& made) {
  const Candidates& found = placement.candidates;
  std::vector<double> turned;
  double score = 0, gain = 0, hits = 0;
  for (std::size_t i = 0; i < estimate.orientation.size(); ++i) {
    const std::size_t best = i * at(found.per_frame);
    const Quaternion before = std::exchange(estimate.orientation[i], found.rotation[best]);
    estimate.conformation[i] = found.conformation[best];
    estimate.score[i] = double{found.score[best]};
    if (estimate.non_hit[i] != 0) continue;
    turned.push_back(turn_between(before, found.rotation[best]) * 180 / M_PI);
    score += estimate.score[i];
    gain += estimate.score[i] - estimate.score_of_mean[i];
    hits += 1;
  }
  made.median_change_degrees = median(turned);
  made.log_likelihood = score / hits;
  made.gain = gain / hits;
}

}  // namespace unfold::spi
