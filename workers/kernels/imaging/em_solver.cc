#include "workers/kernels/imaging/em_solver.h"

#include <algorithm>

#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {
namespace {

/// The smallest factor of one subset's update: a pixel that its events miss may be seen by others.
constexpr double kLeastOfSubset = 0.01;
/// A cycle of SQUAREM that raises the log-posterior by more is still far from the end.
constexpr double kFarRise = 10;
constexpr double kDefaultGamma = 0.9;

Prior prior_of(const AlgorithmOptions& options) {
  if (options.algorithm == Algorithm::kMap && options.prior.kind == PriorKind::kNone) {
    return {PriorKind::kGamma, kDefaultGamma};
  }
  return options.prior;
}

}  // namespace

EmSolver::EmSolver(const Problem& problem, const AlgorithmOptions& options,
                   std::span<const double> counts, Index replicates)
    : plain_(options.algorithm == Algorithm::kEm),
      data_(problem),
      prior_(prior_of(options), problem.sky, options.initial_flux, data_.all().sensitivity),
      smoothing_(problem.sky, options.smooth_fwhm_deg),
      counts_(counts) {
  const Index subsets = plain_ ? 1 : data_.usable_subsets(options.subsets);
  if (subsets == 1) subsets_.push_back(data_.all());
  for (Index s = 0; subsets > 1 && s < subsets; ++s) {
    subsets_.push_back(data_.totals({s, subsets}));
  }
  State state;
  state.squarem = Squarem(data_.pixels() + data_.amplitudes());
  state.estimate = {initial_image(problem, options.initial_flux),
                    std::vector<double>(at(data_.amplitudes()), 1.0)};
  state.accelerated = !plain_ && subsets == 1 && prior_.shape() == 1;
  states_.assign(at(replicates), state);
}

std::vector<Step> EmSolver::step(std::span<const Index> which) {
  std::vector<Index> sweeping, accelerated;
  for (const Index r : which) {
    (states_[at(r)].accelerated != 0 ? accelerated : sweeping).push_back(r);
  }
  const std::vector<Step> swept = sweep(sweeping), fast = accelerate(accelerated);
  std::vector<Step> out;
  auto next_swept = swept.begin(), next_fast = fast.begin();
  for (const Index r : which) {
    const bool was_fast = std::binary_search(accelerated.begin(), accelerated.end(), r);
    out.push_back(was_fast ? *next_fast++ : *next_swept++);
  }
  return out;
}

std::vector<Estimate> EmSolver::estimates(std::span<const Index> which) const {
  std::vector<Estimate> out;
  for (const Index r : which) out.push_back(states_[at(r)].estimate);
  return out;
}

EmSolver::Counts EmSolver::counts_of(std::span<const Index> which) {
  if (which.size() == states_.size()) return {counts_, 1};
  if (!std::equal(which.begin(), which.end(), gathered_.begin(), gathered_.end())) {
    gathered_.assign(which.begin(), which.end());
    gathered_counts_.clear();
    ++gathers_;
    for (const Index r : which) {
      const auto mine = counts_.subspan(at(r * data_.events()), at(data_.events()));
      gathered_counts_.insert(gathered_counts_.end(), mine.begin(), mine.end());
    }
  }
  return {gathered_counts_, 1 + gathers_};
}

EmSolver::Mapped EmSolver::map(std::span<const Index> which, std::span<const Estimate> from,
                               const Totals& totals, double least) {
  std::vector<double> image, amplitude;
  for (const Estimate& e : from) {
    image.insert(image.end(), e.image.begin(), e.image.end());
    amplitude.insert(amplitude.end(), e.amplitude.begin(), e.amplitude.end());
  }
  const Counts counts = counts_of(which);
  const PassResult result = data_.pass({.subset = totals.subset,
                                        .replicates = static_cast<Index>(which.size()),
                                        .counts = counts.values,
                                        .image = image,
                                        .amplitude = amplitude,
                                        .counts_version = counts.version});
  const std::size_t pixels = at(data_.pixels()), amplitudes = at(data_.amplitudes());
  Mapped out;
  for (std::size_t i = 0; i < which.size(); ++i) {
    out.log_likelihood.push_back(result.log_model[i] -
                                 DataTerm::expected(totals, from[i].image, from[i].amplitude));
    out.next.push_back(update(from[i], std::span(result.back).subspan(i * pixels, pixels),
                              std::span(result.amplitude_back).subspan(i * amplitudes, amplitudes),
                              totals, least, shape_of_prior(which[i])));
  }
  return out;
}

double EmSolver::shape_of_prior(Index replicate) const {
  const State& state = states_[at(replicate)];
  const bool waits = state.accelerated == 0 && state.sweeps * subsets() < kUpdatesBeforePrior;
  return waits ? 1 : prior_.shape();
}

Estimate EmSolver::update(const Estimate& from, std::span<const double> back,
                          std::span<const double> amplitude_back, const Totals& totals,
                          double least, double shape) const {
  Estimate out{std::vector<double>(from.image.size()), std::vector<double>(from.amplitude.size())};
  prior_.update({.image = view(from.image),
                 .back = view(back),
                 .sensitivity = view(totals.sensitivity),
                 .total = view(data_.all().sensitivity),
                 .least = least,
                 .k = shape,
                 .next = view(out.image)});
  smoothing_.apply_to_update(from.image, data_.all().sensitivity, out.image);
  for_each_index(data_.amplitudes(), AmplitudeUpdate{.amplitude = view(from.amplitude),
                                                     .back = view(amplitude_back),
                                                     .total = view(totals.background),
                                                     .least = least,
                                                     .next = view(out.amplitude)});
  return out;
}

std::vector<Step> EmSolver::sweep(std::span<const Index> which) {
  if (which.empty()) return {};
  std::vector<Estimate> now = estimates(which);
  std::vector<Step> out(which.size());
  const double least = subsets() > 1 ? kLeastOfSubset : 0;
  for (const Totals& totals : subsets_) {
    Mapped mapped = map(which, now, totals, least);
    now = std::move(mapped.next);
    for (std::size_t i = 0; i < which.size(); ++i) {
      out[i].log_likelihood += mapped.log_likelihood[i];
      out[i].comparable = subsets() == 1;
    }
  }
  for (std::size_t i = 0; i < which.size(); ++i) {
    State& state = states_[at(which[i])];
    const double rise = out[i].log_likelihood - state.sweep;
    const bool near_the_end = state.sweeps > 0 && rise < kSwitchRise * data_.problem().share;
    state.sweep = out[i].log_likelihood;
    state.estimate = std::move(now[i]);
    ++state.sweeps;
    const bool alone = subsets() == 1 && state.sweeps >= kUpdatesBeforePrior;
    state.accelerated = !plain_ && (near_the_end || alone);
  }
  return out;
}

std::vector<Step> EmSolver::accelerate(std::span<const Index> which) {
  if (which.empty()) return {};
  const std::vector<Estimate> u = estimates(which);
  const Mapped first = map(which, u, data_.all(), 0);
  const Mapped second = map(which, first.next, data_.all(), 0);
  std::vector<Step> out(which.size());
  std::vector<Estimate> far;
  for (std::size_t i = 0; i < which.size(); ++i) {
    out[i].log_likelihood = first.log_likelihood[i];
    out[i].passes = 3;
    Squarem& squarem = states_[at(which[i])].squarem;
    squarem.add(u[i], first.next[i]);
    squarem.add(first.next[i], second.next[i]);
    far.push_back(squarem.extrapolate(data_.all().sensitivity, data_.all().background));
  }
  Mapped third = map(which, far, data_.all(), 0);
  for (std::size_t i = 0; i < which.size(); ++i) {
    State& state = states_[at(which[i])];
    const double reached = objective(third.log_likelihood[i], far[i]);
    if (reached >= objective(second.log_likelihood[i], first.next[i])) {
      if (reached - objective(first.log_likelihood[i], u[i]) > kFarRise) {
        state.squarem.keep_newest();
      }
      state.squarem.add(far[i], third.next[i]);
      state.estimate = std::move(third.next[i]);
    } else {
      state.squarem.keep_newest();
      state.estimate = second.next[i];
    }
  }
  return out;
}

}  // namespace unfold::imaging
