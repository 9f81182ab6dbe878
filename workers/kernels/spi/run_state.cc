#include "workers/kernels/spi/run_state.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "workers/compute/random.h"
#include "workers/kernels/spi/radial.h"

namespace unfold::spi {
namespace {

constexpr std::uint64_t kStartStream = 0x7374617274, kReferenceStream = 0x726566,
                        kConformationStream = 0x636f6e66;
constexpr Index kSoftCandidates = 8;  // kept a frame in a global search
constexpr Index kLocalTurns = 30;
constexpr int kFreshEvery = 4;  // generations between fresh phasing starts

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

class Stopwatch {
 public:
  /// Seconds since the last lap.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool holds_counts(const PatternSet& frames) {
  const Index looked = std::min<Index>(frames.frames(), 256);
  std::vector<float> rows(at(looked * frames.pixels()));
  frames.rows(0, looked, View<float, 2>(rows.data(), looked, frames.pixels()));
  return std::all_of(rows.begin(), rows.end(), [](float x) { return x == std::floor(x); });
}

double median_total(const PatternSet& frames, const Detector& detector, double qlimit) {
  const auto chosen = matched_pixels(detector, qlimit);
  std::vector<double> totals;
  for (Index i = 0; i < frames.frames(); ++i) totals.push_back(frames.total(i, chosen));
  return median(totals);
}

/// Angle between two orientations, or between one and the other turned by 180 degrees about the
/// beam, which a nearly flat Ewald sphere cannot tell apart (Friedel).
double turn_between(const Quaternion& a, const Quaternion& b) {
  return std::min(angle_between(a, b), angle_between(multiply({0, 0, 0, 1}, a), b));
}

double smallest_q(const Detector& detector) {
  double least = detector.qmax;
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] == PixelClass::kBad) continue;
    const double* q = &detector.q[3 * at(p)];
    least = std::min(least, std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]));
  }
  return least;
}

/// Where the autocorrelation of a density inside its support can be, one voxel wider.
std::vector<std::uint8_t> reach_of(const std::vector<double>& autocorrelation, Index grid) {
  const double top = *std::max_element(autocorrelation.begin(), autocorrelation.end());
  std::vector<std::uint8_t> out(autocorrelation.size(), 0);
  const auto place = [&](Index x, Index y, Index z) { return at((x * grid + y) * grid + z); };
  for (Index x = 0; x < grid; ++x) {
    for (Index y = 0; y < grid; ++y) {
      for (Index z = 0; z < grid; ++z) {
        if (autocorrelation[place(x, y, z)] <= 1e-10 * top) continue;
        for (Index a = std::max<Index>(x - 1, 0); a <= std::min(x + 1, grid - 1); ++a) {
          for (Index b = std::max<Index>(y - 1, 0); b <= std::min(y + 1, grid - 1); ++b) {
            for (Index c = std::max<Index>(z - 1, 0); c <= std::min(z + 1, grid - 1); ++c) {
              out[place(a, b, c)] = 1;
            }
          }
        }
      }
    }
  }
  return out;
}

}  // namespace

Run::State::State(compute::Cpu& on, const PatternSet& all, const Detector& seen_by,
                  const RunOptions& asked, compute::Communicator& among)
    : cpu(on),
      frames(all),
      detector(seen_by),
      options(asked),
      communicator(among),
      merger(on, asked.grid, seen_by, among) {
  if (options.grid < 5 || options.grid % 2 == 0) {
    throw std::invalid_argument("the grid must be odd and at least 5");
  }
  if (options.conformations < 1) throw std::invalid_argument("there must be a conformation");
  const Index n = frames.frames();
  scale.qlimit = full_qlimit(detector);
  const double box = static_cast<double>(options.grid) / (2 * detector.qmax);
  scale.diameter = options.diameter > 0 ? options.diameter : box / 2;
  scale.counts = holds_counts(frames);
  scale.total = median_total(frames, detector, scale.qlimit);
  rungs = climb(scale, options);
  known = known_amplitudes(options.grid, smallest_q(detector), detector.qmax);
  std::vector<std::uint8_t> chosen(at(detector.pixels()), 0);
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] != PixelClass::kGood) continue;
    good.push_back(static_cast<std::uint32_t>(p));
    chosen[at(p)] = 1;
  }
  if (n == 0 || good.empty()) throw std::invalid_argument("there is nothing to orient");
  for (Index i = 0; i < n; ++i) good_total.push_back(frames.total(i, chosen));
  for (int c = 0; c < options.conformations; ++c) {
    slicers.emplace_back(cpu, options.grid, detector);
  }
  const auto conformations = at(options.conformations);
  model.resize(conformations);
  estimate.autocorrelation.resize(conformations);
  estimate.density.resize(conformations);
  estimate.support.resize(conformations);
  estimate.non_hit.assign(at(n), 0);
  estimate.score.assign(at(n), 0);
  estimate.background = options.background;
  if (options.fit_background && estimate.background.empty()) {
    estimate.background.assign(at(detector.pixels()), 0.0f);
  }
  const double mean = std::accumulate(good_total.begin(), good_total.end(), 0.0) / double(n);
  for (const double total : good_total) {
    estimate.fluence.push_back(options.scaling && mean > 0 ? std::max(total / mean, 1e-3) : 1.0);
  }
  for (Index i = 0; i < n; ++i) {
    const auto place_of = static_cast<std::uint64_t>(i);
    estimate.orientation.push_back(random_rotation(options.seed, kStartStream, place_of));
    compute::Random random(options.seed, kConformationStream, place_of);
    estimate.conformation.push_back(
        static_cast<std::int32_t>(random.uniform() * options.conformations));
  }
}

MatchOptions Run::State::match_options(const Rung& rung) const {
  MatchOptions match;
  match.metric = options.metric;
  match.qlimit = rung.qlimit;
  match.top = kSoftCandidates;
  if (!estimate.background.empty() && options.metric == Metric::kPoisson) {
    match.background = estimate.background;
    match.fluence = estimate.fluence;
  }
  return match;
}

Generation Run::State::step(const std::function<bool()>& cancelled) {
  const auto check = [&] {
    if (cancelled && cancelled()) throw Cancelled();
  };
  Generation made;
  made.number = static_cast<int>(history.size());
  const bool first = model[0].empty();
  if (given && first) place.rung = static_cast<Index>(rungs.size()) - 2;
  const Rung& rung = rungs[at(place.rung)];
  made.stage = to_string(place.refresh ? Stage::kRefresh : rung.stage);
  made.resolution = 1 / rung.qlimit;
  made.beta = beta_of(scale, options, made.number);
  Stopwatch watch;
  look_at_mean(rung);
  const Placement placement = first ? start() : search(rung, made);
  check();
  if (!first) {
    const bool wide = rung.stage != Stage::kLocal || place.refresh;
    if (wide && rung.stage != Stage::kCoarse) judge_hits(placement.candidates, made.references);
    adopt(placement, made);
    fit_frames();
  }
  made.seconds_match = watch.lap();
  merge(placement);
  made.seconds_merge = watch.lap();
  check();
  made.fourier_error = phase_all(made.number % kFreshEvery == 0, cancelled);
  made.seconds_phase = watch.lap();
  check();
  history.push_back(made);
  if (!first) place = next_place(place, rungs, history, moved, options.max_generations);
  return made;
}

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
  for (std::size_t c = 0; c < slicers.size(); ++c) {
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
  out.candidates = search_globally(cpu, frames, slicers, out.references, match);
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
  out.candidates = search_locally(cpu, frames, slicers, estimate.orientation, 1,
                                  estimate.conformation, turns, best);
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
  const Candidates found = search_globally(cpu, frames, slicers, references, best);
  // Both basins are searched at the reach of half a spacing, and the better one is kept.
  const auto turns = local_turns(wide.spacing / 2, kLocalTurns, options.seed,
                                 static_cast<std::uint64_t>(made.number));
  const Candidates far =
      search_locally(cpu, frames, slicers, found.rotation, 1, found.conformation, turns, best);
  const auto fine =
      local_turns(rung.spacing, kLocalTurns, options.seed, static_cast<std::uint64_t>(made.number));
  Placement out;
  out.candidates = search_locally(cpu, frames, slicers, estimate.orientation, 1,
                                  estimate.conformation, fine, best);
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

void Run::State::merge(const Placement& placement) {
  const Candidates& found = placement.candidates;
  const Index k = found.per_frame;
  const auto kind =
      options.metric == Metric::kPoisson ? MergeWeight::kPoisson : MergeWeight::kLeastSquares;
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    std::vector<Quaternion> own;
    std::vector<Assignment> assignments;
    for (Index i = 0; i < frames.frames(); ++i) {
      if (estimate.non_hit[at(i)] != 0) continue;
      for (Index j = i * k; j < (i + 1) * k; ++j) {
        if (found.conformation[at(j)] != static_cast<std::int32_t>(c)) continue;
        if (placement.weight[at(j)] <= 0) continue;
        std::int32_t rotation = 0;
        if (placement.references.empty()) {
          rotation = static_cast<std::int32_t>(own.size());
          own.push_back(found.rotation[at(j)]);
        } else {
          rotation = found.reference[at(j)];
        }
        assignments.push_back({i, rotation, placement.weight[at(j)]});
      }
    }
    const auto& rotations = placement.references.empty() ? own : placement.references;
    const Merged merged = sum_frames(cpu, frames, detector, rotations, assignments,
                                     estimate.fluence, estimate.background, kind);
    const auto support =
        model[c].empty() ? std::vector<std::uint8_t>{} : reach_of(model[c], options.grid);
    estimate.autocorrelation[c] =
        merger.solve(merged, model[c], support, MergeOptions{}).autocorrelation;
  }
}

double Run::State::phase_all(bool fresh, const std::function<bool()>& cancelled) {
  double worst = 0;
  for (std::size_t c = 0; c < slicers.size(); ++c) {
    std::vector<PhaseStart> starts;
    const std::uint64_t seed = options.seed + 1000 * (history.size() + 1) + 100 * c;
    if (!estimate.density[c].empty()) {
      starts.push_back({estimate.support[c], estimate.density[c], seed});
    }
    if (fresh || starts.empty()) {
      starts.push_back({{}, {}, seed + 1});
      starts.push_back({{}, {}, seed + 2});
    }
    auto results = phase(cpu, options.grid, estimate.autocorrelation[c], known, starts,
                         PhaseSchedule{}, cancelled);
    auto best = std::min_element(results.begin(), results.end(), [](const auto& a, const auto& b) {
      return a.fourier_error < b.fourier_error;
    });
    estimate.density[c] = std::move(best->density);
    estimate.support[c] = std::move(best->support);
    model[c] = std::move(best->autocorrelation);
    worst = std::max(worst, best->fourier_error);
  }
  return worst;
}

}  // namespace unfold::spi
