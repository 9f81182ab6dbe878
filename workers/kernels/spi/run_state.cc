#include "workers/kernels/spi/run_state.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "workers/compute/random.h"
#include "workers/kernels/spi/background.h"
#include "workers/kernels/spi/radial.h"
#include "workers/kernels/spi/survey.h"

namespace unfold::spi {
namespace {

constexpr std::uint64_t kStartStream = 0x7374617274;
// Kept a frame in a search: many while the model is coarse, few where references are dense.
constexpr Index kCoarseCandidates = 8, kGlobalCandidates = 3;
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

}  // namespace

Run::State::State(compute::Cpu& on, const PatternSet& all, const Detector& seen_by,
                  const RunOptions& asked, compute::Communicator& among)
    : cpu(on),
      frames(all),
      detector(seen_by),
      options(asked),
      communicator(among),
      merge_device(asked.fourier_device ? asked.fourier_device->merging(asked.grid) : nullptr),
      phase_device(asked.fourier_device ? asked.fourier_device->phasing() : nullptr),
      merger(on, asked.grid, seen_by, among, merge_device.get()) {
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
  penalties.assign(conformations, {0, 0});
  estimate.autocorrelation.resize(conformations);
  estimate.density.resize(conformations);
  estimate.support.resize(conformations);
  estimate.non_hit.assign(at(n), 0);
  estimate.score.assign(at(n), 0);
  estimate.background = options.background;
  if (options.fit_background && estimate.background.empty()) {
    estimate.background = steady_background(frames, detector, scale.counts);
  }
  double dark = 0;
  for (const std::uint32_t p : good) {
    dark += estimate.background.empty() ? 0.0 : double{estimate.background[p]};
  }
  const double mean = std::accumulate(good_total.begin(), good_total.end(), 0.0) / double(n) - dark;
  for (const double total : good_total) {
    estimate.fluence.push_back(options.scaling && mean > 0 ? std::max((total - dark) / mean, 1e-3)
                                                           : 1.0);
  }
  for (Index i = 0; i < n; ++i) {
    const auto place_of = static_cast<std::uint64_t>(i);
    estimate.orientation.push_back(random_rotation(options.seed, kStartStream, place_of));
    estimate.conformation.push_back(0);
  }
}

MatchOptions Run::State::match_options(const Rung& rung) const {
  MatchOptions match;
  match.metric = options.metric;
  match.qlimit = rung.qlimit;
  match.device = options.match_device;
  match.top = rung.stage == Stage::kCoarse ? kCoarseCandidates : kGlobalCandidates;
  const auto& dark = estimate.background;
  const bool known_dark = std::any_of(dark.begin(), dark.end(), [](float b) { return b > 0; });
  if (known_dark && options.metric == Metric::kPoisson) {
    match.background = estimate.background;
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
  Placement placement = first ? start() : search(rung, made);
  check();
  const bool last = made.number + 1 >= options.max_generations;
  const bool split = rung.stage != Stage::kCoarse || last;
  if (!given && split && maps().size() < slicers.size()) share_out(placement);
  if (!first) {
    const bool wide = rung.stage != Stage::kLocal || place.refresh;
    if (wide && rung.stage != Stage::kCoarse) judge_hits(placement.candidates, made.references);
    if (maps().size() > 1) fill_empty(placement, made.number);
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

}  // namespace unfold::spi
