#include "workers/kernels/imaging/refits.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "workers/kernels/imaging/fit.h"
#include "workers/kernels/imaging/thinning.h"

namespace unfold::imaging {
namespace {

/// What an event costs in a pass of up to kTogether replicates, over that in a pass of one:
/// docs/numerics.md.
constexpr double kCostTogether = 11;

std::uint64_t stream_of(Index replicate) { return static_cast<std::uint64_t>(replicate) + 1; }

}  // namespace

Refits::Refits(const Problem& problem, const Settings& settings, const CountModel& model,
               Index updates, std::function<void()> poll)
    : problem_(problem),
      settings_(settings),
      model_(model),
      updates_(updates),
      poll_(std::move(poll)) {}

bool Refits::can_batch() const {
  const bool by_likelihood =
      settings_.stop.stop == Stop::kLikelihood && settings_.bootstrap.stop == BootstrapStop::kRefit;
  return !by_likelihood && has_batch(settings_.algorithm.algorithm);
}

Index Refits::next_group(Index done) const {
  const Index group = std::min(kTogether, settings_.bootstrap.replicates - done);
  if (done % kTogether != 0 || !can_batch()) return 1;
  double events[] = {model_.mean_events(group), model_.mean_events(1)};
  problem_.communicator.sum(events);
  const bool pays = kCostTogether * events[0] < static_cast<double>(group) * events[1];
  return pays ? group : 1;
}

Problem Refits::problem_of(const DrawnCounts& drawn) const {
  const auto size = static_cast<std::size_t>(drawn.events.size());
  return {
      problem_.response, drawn.events, drawn.background,     std::span(drawn.counts).first(size),
      problem_.exposure, problem_.sky, problem_.communicator};
}

/// Those the stop rule allows a replicate: thinning looks at its counts, on its own list.
Index Refits::updates_of(Index replicate) const {
  if (settings_.bootstrap.stop == BootstrapStop::kFixed) return updates_;
  if (settings_.stop.stop != Stop::kThinning) return settings_.stop.iterations;
  const DrawnCounts drawn = model_.draw(settings_.bootstrap.seed, stream_of(replicate));
  return find_stop(problem_of(drawn), settings_.algorithm, settings_.stop, stream_of(replicate),
                   [&](Index, double, const Estimate&) { poll_(); })
      .updates;
}

Refit Refits::one(Index replicate) const {
  const Index most = updates_of(replicate);
  StopRule rule = settings_.stop;
  if (settings_.bootstrap.stop == BootstrapStop::kFixed) rule.stop = Stop::kIterations;
  const DrawnCounts drawn = model_.draw(settings_.bootstrap.seed, stream_of(replicate));
  const Problem problem = problem_of(drawn);
  Fit fit(problem, settings_.algorithm, rule, {});
  fit.keep_no_history();
  while (!fit.finished(most)) {
    poll_();
    fit.step();
  }
  return {fit.estimate(), fit.updates()};
}

std::vector<Refit> Refits::several(Index first, Index replicates,
                                   const std::function<void(Index)>& after_update) const {
  const auto size = static_cast<std::size_t>(replicates);
  std::vector<Refit> out(size);
  Index most = 0;
  for (std::size_t r = 0; r < size; ++r) {
    out[r].updates = updates_of(first + static_cast<Index>(r));
    most = std::max(most, out[r].updates);
  }
  const DrawnCounts drawn = model_.draw(settings_.bootstrap.seed, stream_of(first), replicates);
  const Problem problem = problem_of(drawn);
  const auto batch = make_batch(problem, settings_.algorithm, drawn.counts, replicates);
  const auto active = std::make_unique<bool[]>(size);
  while (batch->iteration() < most) {
    poll_();
    for (std::size_t r = 0; r < size; ++r) active[r] = batch->iteration() < out[r].updates;
    batch->step({active.get(), size});
    after_update(std::count_if(out.begin(), out.end(), [&](const Refit& refit) {
      return refit.updates <= batch->iteration();
    }));
  }
  for (std::size_t r = 0; r < size; ++r) out[r].estimate = batch->estimate(static_cast<Index>(r));
  return out;
}

}  // namespace unfold::imaging
