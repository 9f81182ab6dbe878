#include "workers/kernels/spi/job.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>

#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/spectrum.h"
#include "workers/kernels/spi/verdict.h"

namespace unfold::spi {
namespace {

constexpr double kMark = 0x6a6f62;  // "job"
constexpr double kVersion = 2;
constexpr int kLookEvery = 5;  ///< generations of both halves between looks at their agreement
constexpr double kPhotonsAssumed = 1000;  ///< a frame, where values are no counts
constexpr Index kFewestFrames = 2;
constexpr Index kAgain = 1000;    ///< between the seeds of a part's starts
constexpr Index kMostStarts = 3;  ///< of a half

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// 1 for counts; else what brings the mean frame to kPhotonsAssumed.
double unit_of(const PatternSet& frames) {
  const Index looked = std::min<Index>(frames.frames(), 256);
  std::vector<float> rows(at(looked * frames.pixels()));
  frames.rows(0, looked, View<float, 2>(rows.data(), looked, frames.pixels()));
  bool counts = true;
  double sum = 0;
  for (const float v : rows) {
    counts = counts && v == std::floor(v);
    sum += double{v};
  }
  return counts || sum <= 0 ? 1 : kPhotonsAssumed * static_cast<double>(looked) / sum;
}

int generations_made(const Part& part) { return static_cast<int>(part.run->history().size()); }

/// The gain of a start at the end of its climb, and its standard error; nothing before that.
std::optional<Gain> gain_of_climb(const Run& run) {
  const auto& history = run.history();
  const auto local = std::find_if(history.begin(), history.end(),
                                  [](const Generation& g) { return g.stage == "local"; });
  if (local == history.begin() || local == history.end()) return std::nullopt;
  const Estimate& now = run.estimate();
  std::vector<double> gains;
  for (std::size_t i = 0; i < now.score.size(); ++i) {
    if (now.non_hit[i] == 0) gains.push_back(now.score[i] - now.score_of_mean[i]);
  }
  return Gain{std::prev(local)->gain, gain_of(gains).error};
}

}  // namespace

std::vector<double> model_of(Index grid, const Estimate& estimate, std::size_t conformation) {
  const std::vector<double>& merged = estimate.autocorrelation[conformation];
  auto spectrum = spectrum_of(grid, estimate.density[conformation]);
  for (auto& f : spectrum) f = std::norm(f);
  std::vector<double> model = volume_of(grid, spectrum);
  const double scale = best_multiple(model, merged);
  for (double& v : model) v *= scale;
  return model;
}

Job::Job(compute::Cpu& cpu, const PatternSet& frames, const Detector& detector,
         const Settings& settings, compute::Communicator& communicator, const Hooks& hooks)
    : cpu_(cpu),
      frames_(frames),
      detector_(detector),
      settings_(settings),
      communicator_(communicator),
      hooks_(hooks) {
  if (frames.frames() < 2 * kFewestFrames) {
    throw std::invalid_argument("too few frames (halves need two each) [bring more]");
  }
  unit_ = unit_of(frames);
  const int conformations = settings.run.conformations;
  if (!halves()) {
    split_.half.assign(at(frames.frames()), 0);
    parts_.push_back(part("all", frames, conformations));
    return;
  }
  split_ = split_frames(frames.frames(), settings.run.seed);
  for (const std::size_t h : {kFirst, kSecond}) {
    parts_.push_back(
        part(h == kFirst ? "half 1" : "half 2", frames.subset(split_.member[h]), conformations));
  }
  if (conformations < 2) return;
  for (const std::size_t h : {kFirst, kSecond}) {
    parts_.push_back(part(h == kFirst ? "fewer 1" : "fewer 2", frames.subset(split_.member[h]),
                          conformations - 1));
  }
}

Part Job::part(std::string name, PatternSet frames, int conformations) {
  Part out{std::move(name), std::move(frames), settings_.run, nullptr};
  out.options.conformations = conformations;
  return out;
}

Result Job::make() {
  run_parts();
  run_all();
  Result result;
  result.estimate = final_estimate();
  result.half = split_.half;
  result.maps = make_maps(result.estimate);
  result.entropy = entropies(result.estimate);
  weigh_conformations(result);
  judge_result(result);
  result.history = history_;
  return result;
}

void Job::begin(std::size_t part) {
  Part& p = parts_[part];
  const auto again = static_cast<std::uint64_t>(kAgain * (p.starts - 1));
  p.options.seed = seed_of_part(settings_.run.seed, part + again);
  p.run = std::make_unique<Run>(cpu_, p.frames, detector_, p.options, communicator_);
}

/// A start now and then is trapped: part of its frames lie as in the mirror image, and no later
/// generation turns them. Its gain tells, next to the other half's: one number is all that the
/// halves know of each other. The half begins again from another seed.
void Job::begin_trapped_half_again() {
  if (!halves()) return;
  const std::optional<Gain> gain[] = {gain_of_climb(*parts_[kFirst].run),
                                      gain_of_climb(*parts_[kSecond].run)};
  if (!gain[0] || !gain[1]) return;
  const std::size_t worse = gain[0]->mean < gain[1]->mean ? kFirst : kSecond;
  Part& part = parts_[worse];
  if (!trapped(*gain[worse], *gain[1 - worse]) || part.starts >= kMostStarts) return;
  ++part.starts;
  dropped_ += std::erase_if(history_, [&](const Report& r) { return r.part == part.name; });
  begin(worse);
}

void Job::run_parts() {
  // Runs refer to their frames: made once the parts no longer move.
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    if (parts_[p].run == nullptr) begin(p);
  }
  const auto behind = [&](const Part& a, const Part& b) {
    return generations_made(a) < generations_made(b);
  };
  for (;;) {
    begin_trapped_half_again();  // here, so that a resumed job does it as well
    // Halves run side by side, so that their agreement can be shown while they run.
    std::size_t next = parts_.size();
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      if (parts_[p].run->finished()) continue;
      if (next == parts_.size() || (p <= kSecond && behind(parts_[p], parts_[next]))) next = p;
    }
    if (next == parts_.size()) return;
    step(next);
  }
}

void Job::run_all() {
  if (!halves() || !halves_agree()) return;
  if (all_ == nullptr) {
    RunOptions options = settings_.run;
    options.seed = seed_of_part(settings_.run.seed, parts_.size());
    all_ = std::make_unique<Run>(cpu_, frames_, detector_, options, communicator_);
    const Joined joined = join_halves(split_, estimate_of(kFirst), estimate_of(kSecond), pairing());
    all_->start_from(joined.orientation, joined.conformation, joined.fluence, joined.non_hit);
  }
  while (!all_->finished()) step(parts_.size());
}

void Job::step(std::size_t part) {
  const bool all = part == parts_.size();
  Run& run = all ? *all_ : *parts_[part].run;
  Report report;
  report.generation = run.step(hooks_.cancelled);
  report.part = all ? "all" : parts_[part].name;
  if (halves() && part == kSecond && generations_made(parts_[kSecond]) % kLookEvery == 0) look();
  const auto made = static_cast<double>(history_.size() + 1) + static_cast<double>(dropped_);
  const auto runs = static_cast<double>(parts_.size() + (halves() ? 1 : 0));
  report.fraction = std::min(1.0, made / (runs * settings_.run.max_generations));
  report.half_resolution = half_resolution_;
  history_.push_back(report);
  report.estimate = &run.estimate();
  if (hooks_.report) hooks_.report(report);
  if (hooks_.checkpoint) hooks_.checkpoint(checkpoint());
}

void Job::look() {
  const Estimate& a = estimate_of(kFirst);
  const Estimate& b = estimate_of(kSecond);
  half_resolution_ = INFINITY;
  for (std::size_t c = 0; c < b.density.size(); ++c) {
    if (b.density[c].empty()) continue;  // frames are not shared out yet
    const Alignment onto = align_densities(cpu_, grid(), a.density[0], b.density[c]);
    const auto agreement =
        corrected_correlation(cpu_, grid(), a.density[0], apply(cpu_, grid(), b.density[c], onto),
                              a.support[0], moved_support(cpu_, grid(), b.support[c], onto));
    half_resolution_ = std::min(half_resolution_,
                                resolution_of(agreement, detector_.qmax, grid(), kResolvedAbove));
  }
}

const Pairing& Job::pairing() {
  if (!pairing_) pairing_ = pair_halves(cpu_, grid(), estimate_of(kFirst), estimate_of(kSecond));
  return *pairing_;
}

Checkpoint Job::checkpoint() const {
  compute::ArchiveWriter out;
  for (const double x : {kMark, kVersion, static_cast<double>(parts_.size()), half_resolution_,
                         static_cast<double>(dropped_)}) {
    out.put(x);
  }
  std::vector<double> part, resolution, fraction;
  for (const Report& report : history_) {
    const auto named = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const Part& p) { return p.name == report.part; });
    part.push_back(static_cast<double>(named - parts_.begin()));
    resolution.push_back(report.half_resolution);
    fraction.push_back(report.fraction);
  }
  for (const auto& list : {part, resolution, fraction}) out.put(list);
  for (const Part& p : parts_) {
    out.put(p.starts);
    p.run->save(out);
  }
  out.put(static_cast<Index>(all_ != nullptr));
  if (all_ != nullptr) all_->save(out);
  return std::move(out).take();
}

void Job::restore(const Checkpoint& checkpoint) {
  compute::ArchiveReader in(checkpoint);
  if (in.number() != kMark || in.number() != kVersion ||
      in.number() != static_cast<double>(parts_.size())) {
    throw std::invalid_argument("the checkpoint is of another job");
  }
  half_resolution_ = in.number();
  dropped_ = in.index();
  const auto part = in.list<std::size_t>();
  const std::vector<double> resolution = in.list(), fraction = in.list();
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    parts_[p].starts = in.index();
    begin(p);
    parts_[p].run->restore(in);
  }
  if (in.index() != 0) {
    RunOptions options = settings_.run;
    options.seed = seed_of_part(settings_.run.seed, parts_.size());
    all_ = std::make_unique<Run>(cpu_, frames_, detector_, options, communicator_);
    all_->restore(in);
  }
  std::vector<std::size_t> seen(parts_.size() + 1, 0);
  for (std::size_t i = 0; i < part.size(); ++i) {
    const bool all = part[i] == parts_.size();
    const auto& made = all ? all_->history() : parts_.at(part[i]).run->history();
    Report report;
    report.part = all ? "all" : parts_[part[i]].name;
    report.generation = made.at(seen[part[i]]++);
    report.fraction = fraction.at(i);
    report.half_resolution = resolution.at(i);
    history_.push_back(report);
  }
}

}  // namespace unfold::spi
