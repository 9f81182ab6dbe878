#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/job.h"
#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/radial.h"
#include "workers/kernels/spi/search.h"
#include "workers/kernels/spi/structureless.h"
#include "workers/kernels/spi/survey.h"
#include "workers/kernels/spi/verdict.h"

// What a job makes of its finished runs.
namespace unfold::spi {
namespace {

constexpr double kSpacing = 1.3;       ///< of references that judge, over d / D
constexpr Index kFramesAsked = 512;    ///< of each half, for the held-out likelihood
constexpr double kMostHits = 0.99;     ///< no map is trusted with every frame
constexpr Index kCandidates = 16;      ///< of a posterior
constexpr double kEvidence = 3;        ///< standard errors
constexpr double kReproducible = 0.2;  ///< Cohen's kappa of the halves' classifications
constexpr std::uint64_t kReferences = 101, kPhases = 102;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// The first shell, from 1, below kResolvedAbove.
Index shells_above(const std::vector<double>& correlation) {
  Index s = 1;
  while (s < static_cast<Index>(correlation.size()) && correlation[at(s)] >= kResolvedAbove) ++s;
  return s;
}

/// Maps that predict no new frame agree in artefacts: both halves pile frames up the same way.
void claim_nothing(Map& map) {
  std::vector<double>& shells = map.half_correlation_corrected;
  for (std::size_t s = at(kChanceShells) + 1; s < shells.size(); ++s) {
    shells[s] = std::min(shells[s], 0.0);
  }
  map.resolution = INFINITY;
}

/// Agreement of two classifications beyond chance: Cohen's kappa.
double kappa_of(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b,
                std::size_t classes) {
  std::vector<double> of_a(classes, 0.0), of_b(classes, 0.0);
  const double each = 1 / static_cast<double>(a.size());
  double same = 0, chance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    of_a[at(a[i])] += each;
    of_b[at(b[i])] += each;
    if (a[i] == b[i]) same += each;
  }
  for (std::size_t c = 0; c < classes; ++c) chance += of_a[c] * of_b[c];
  return chance < 1 ? (same - chance) / (1 - chance) : 0;
}

template <class T>
std::vector<T> chosen_from(std::span<const T> all, std::span<const Index> which) {
  std::vector<T> out;
  for (const Index i : which) out.push_back(all[at(i)]);
  return out;
}

/// Frames of a half, evenly chosen: what the other half's maps are asked about. Hits and others: a
/// choice by what fits would be a choice by noise.
std::vector<Index> asked_of(Index frames) {
  const Index step = std::max<Index>(1, (frames + kFramesAsked - 1) / kFramesAsked);
  std::vector<Index> out;
  for (Index i = 0; i < frames; i += step) out.push_back(i);
  return out;
}

double share_of_hits(const std::vector<std::uint8_t>& non_hit) {
  const auto misses = std::count(non_hit.begin(), non_hit.end(), std::uint8_t{1});
  return 1 - static_cast<double>(misses) / static_cast<double>(non_hit.size());
}

}  // namespace

std::vector<Quaternion> Job::references() const {
  const double box = static_cast<double>(grid()) / (2 * detector_.qmax);
  const double diameter = settings_.run.diameter > 0 ? settings_.run.diameter : box / 2;
  const Index count = references_for(kSpacing / (full_qlimit(detector_) * diameter));
  return reference_rotations(count, random_rotation(settings_.run.seed, kReferences, 0));
}

MatchOptions Job::match_options(const Estimate& estimate) const {
  MatchOptions options;
  options.metric = Metric::kPoisson;
  options.qlimit = full_qlimit(detector_);
  options.top = kCandidates;
  options.device = settings_.run.match_device;
  if (!estimate.background.empty()) {
    options.background = estimate.background;
    options.fluence = estimate.fluence;
  }
  return options;
}

bool Job::halves_agree() {
  for (std::size_t c = 0; c < pairing().partner.size(); ++c) {
    const auto b = static_cast<std::size_t>(pairing().partner[c]);
    const auto agreement = intensity_shell_correlation(
        cpu_, grid(), estimate_of(kFirst).autocorrelation[c],
        apply(cpu_, grid(), estimate_of(kSecond).autocorrelation[b], pairing().onto_first[c]));
    if (shells_above(agreement) <= kChanceShells) return false;
  }
  return true;
}

std::size_t Job::better_half() const {
  const auto gain = [&](std::size_t h) {
    return parts_[h].run->history().empty() ? -INFINITY : parts_[h].run->history().back().gain;
  };
  return gain(kSecond) > gain(kFirst) ? kSecond : kFirst;
}

Estimate Job::final_estimate() {
  if (!halves()) return estimate_of(kFirst);
  return all_ != nullptr ? all_->estimate() : from_better_half();
}

/// The better half's maps; the other half's frames are matched with them.
Estimate Job::from_better_half() {
  const std::size_t better = better_half(), other = 1 - better;
  Estimate out = estimate_of(better);
  const Estimate& worse = estimate_of(other);
  std::vector<Slicer> slicers;
  for (std::size_t c = 0; c < out.autocorrelation.size(); ++c) {
    const std::vector<double> model = model_of(grid(), out, c);
    slicers.emplace_back(cpu_, grid(), detector_);
    slicers.back().set(View<const double, 3>(model.data(), grid(), grid(), grid()));
  }
  MatchOptions options = match_options(worse);
  options.top = 1;
  const Candidates found =
      search_globally(cpu_, parts_[other].frames, slicers, references(), options);
  const auto n = at(frames_.frames());
  out.orientation.resize(n);
  out.conformation.resize(n);
  for (std::vector<double>* list : {&out.fluence, &out.score, &out.score_of_mean}) list->resize(n);
  out.non_hit.resize(n);
  for (const std::size_t h : {better, other}) {
    const Estimate& from = estimate_of(h);
    for (std::size_t i = 0; i < split_.member[h].size(); ++i) {
      const std::size_t frame = at(split_.member[h][i]);
      const bool matched = h == other;
      out.orientation[frame] = matched ? found.rotation[i] : from.orientation[i];
      out.conformation[frame] = matched ? found.conformation[i] : from.conformation[i];
      out.score[frame] = matched ? double{found.score[i]} : from.score[i];
      out.fluence[frame] = from.fluence[i];
      out.score_of_mean[frame] = from.score_of_mean[i];
      out.non_hit[frame] = from.non_hit[i];
    }
  }
  return out;
}

std::vector<Map> Job::make_maps(const Estimate& estimate) {
  std::vector<Map> maps;
  if (hooks_.report) {
    Report report{"phasing", history_.back().generation, 1, half_resolution_, nullptr};
    report.estimate = &estimate;
    hooks_.report(report);
  }
  MapOptions options{grid(), known_amplitudes(grid(), smallest_q(detector_), detector_.qmax),
                     settings_.phasing_starts, 0, settings_.run.fourier_device};
  for (std::size_t c = 0; c < estimate.autocorrelation.size(); ++c) {
    options.seed = seed_of_part(settings_.run.seed, kPhases + c);
    maps.push_back(phased_map(cpu_, estimate.autocorrelation[c], options, hooks_.cancelled));
    Map& map = maps.back();
    std::vector<std::uint8_t> skip = estimate.non_hit;
    for (std::size_t i = 0; i < skip.size(); ++i) {
      if (estimate.conformation[i] != static_cast<std::int32_t>(c)) skip[i] = 1;
    }
    map.intensity_weight =
        measured_weight(grid(), detector_, estimate.orientation, estimate.fluence, skip);
    map.resolution = map.intensity_resolution = INFINITY;
    if (!halves()) continue;
    const auto partner = static_cast<std::size_t>(pairing().partner[c]);
    compare_halves(cpu_, estimate_of(kFirst).autocorrelation[c],
                   estimate_of(kSecond).autocorrelation[partner], pairing().onto_first[c],
                   detector_.qmax, options, hooks_.cancelled, map);
  }
  return maps;
}

std::vector<double> Job::entropies(const Estimate& estimate) const {
  std::vector<Slicer> slicers;
  for (std::size_t c = 0; c < estimate.autocorrelation.size(); ++c) {
    const std::vector<double> model = model_of(grid(), estimate, c);
    slicers.emplace_back(cpu_, grid(), detector_);
    slicers.back().set(View<const double, 3>(model.data(), grid(), grid(), grid()));
  }
  const Candidates found =
      search_globally(cpu_, frames_, slicers, references(), match_options(estimate));
  const std::vector<float> weight = posterior(found.score, found.per_frame, unit_);
  std::vector<double> out;
  for (std::size_t i = 0; i < at(frames_.frames()); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < at(found.per_frame); ++k) {
      const double w = double{weight[i * at(found.per_frame) + k]};
      if (w > 0) sum -= w * std::log(w);
    }
    out.push_back(sum);
  }
  return out;
}

/// ln of h p(frame | maps) + (1 - h) p(frame | no structure) over the latter, h the share of hits
/// among the frames that the maps were made from: frames that show nothing cost little.
Prediction Job::predict_half(std::size_t made_from, std::size_t half) const {
  const std::vector<Index> asked = asked_of(parts_[half].frames.frames());
  const PatternSet frames = parts_[half].frames.subset(asked);
  const Estimate& maps = estimate_of(made_from);
  std::vector<std::vector<double>> models;
  for (std::size_t c = 0; c < maps.autocorrelation.size(); ++c) {
    models.push_back(model_of(grid(), maps, c));
  }
  const auto fluence = chosen_from<double>(estimate_of(half).fluence, asked);
  MatchOptions options = match_options(maps);
  options.fluence = fluence;
  const auto mean =
      radial_mean(cpu_, parts_[made_from].frames, detector_, maps.non_hit, maps.background);
  const auto nothing = structureless_scores(cpu_, frames, detector_,
                                            {grid(), mean, models, maps.autocorrelation}, options);
  Prediction out = predict(cpu_, frames, detector_, grid(), models, references(), options, unit_);
  const double hits = std::min(share_of_hits(maps.non_hit), kMostHits);
  for (std::size_t i = 0; i < nothing.size(); ++i) {
    const double gain = out.log_evidence[i] - unit_ * nothing[i];
    const double top = std::max(gain, 0.0);
    out.log_evidence[i] = top + std::log(hits * std::exp(gain - top) + (1 - hits) * std::exp(-top));
  }
  return out;
}

/// Two maps for one conformation predict no better, and what tells their frames apart in one half
/// does not in the other.
void Job::weigh_conformations(Result& result) {
  if (!halves() || settings_.run.conformations < 2) return;
  std::vector<double> gains;
  bool everywhere = true;
  result.conformation_agreement = 1;
  for (const std::size_t h : {kFirst, kSecond}) {
    const std::size_t from = 1 - h;
    const Prediction more = predict_half(from, h), fewer = predict_half(from + 2, h);
    std::vector<double> gain = more.log_evidence;
    for (std::size_t i = 0; i < gain.size(); ++i) gain[i] -= fewer.log_evidence[i];
    const Gain of_half = gain_of(gain);
    const auto own =
        chosen_from<std::int32_t>(estimate_of(h).conformation, asked_of(parts_[h].frames.frames()));
    std::vector<std::int32_t> seen;
    for (const std::int32_t c : more.conformation) {
      const auto& partner = pairing().partner;
      seen.push_back(h == kSecond
                         ? partner[at(c)]
                         : static_cast<std::int32_t>(std::find(partner.begin(), partner.end(), c) -
                                                     partner.begin()));
    }
    const double agreement = kappa_of(seen, own, pairing().partner.size());
    result.conformation_agreement = std::min(result.conformation_agreement, agreement);
    everywhere = everywhere && of_half.mean > kEvidence * of_half.error;
    gains.insert(gains.end(), gain.begin(), gain.end());
  }
  const Gain gain = gain_of(gains);
  result.conformation_gain = gain.mean;
  result.conformation_gain_error = gain.error;
  result.evidence_for_conformations = everywhere && result.conformation_agreement > kReproducible;
}

Signs Job::signs_of(const Result& result) const {
  Signs signs;
  signs.halves = halves();
  read_curves(result, signs);
  for (std::size_t h = 0; halves() && h < 2; ++h) {
    signs.held_out[h] = gain_of(predict_half(1 - h, h).log_evidence);
  }
  signs.hits = share_of_hits(result.estimate.non_hit);
  for (const double e : result.entropy) {
    signs.entropy +=
        e / std::log(static_cast<double>(kCandidates)) / static_cast<double>(result.entropy.size());
  }
  for (const Part& p : parts_) signs.finished = signs.finished && p.run->converged();
  if (all_ != nullptr) signs.finished = signs.finished && all_->converged();
  return signs;
}

/// Of several conformations the worst.
void Job::read_curves(const Result& result, Signs& signs) const {
  if (!halves()) return;
  signs.agreeing_shells = grid() / 2 + 1;
  signs.expected_correlation = 1;
  for (const Map& map : result.maps) {
    const std::vector<double>& curve = map.half_correlation_corrected;
    signs.agreeing_shells = std::min(signs.agreeing_shells, shells_above(curve));
    signs.expected_correlation =
        std::min(signs.expected_correlation, expected_correlation(grid(), map.density, curve));
  }
}

/// What may be claimed is what is judged.
void Job::judge_result(Result& result) {
  Signs signs = signs_of(result);
  if (judge(signs).verdict != Verdict::kFailed) {
    hold_to_truth(result);
    read_curves(result, signs);
  }
  const Judgement judgement = judge(signs);
  if (halves() && !predicts(signs)) {
    for (Map& map : result.maps) claim_nothing(map);
  }
  result.verdict = judgement.verdict;
  result.reasons = judgement.reasons;
}

}  // namespace unfold::spi
