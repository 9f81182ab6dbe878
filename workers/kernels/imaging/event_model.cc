#include "workers/kernels/imaging/event_model.h"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>

namespace unfold::imaging {
namespace {

/// Larger ratios come of a model that is 0 but for rounding; their products with rows in float
/// would not be finite.
constexpr double kLargestRatio = 1e25;

/// One time bin: ratios, and its sums [1 + C]: log_model, then amplitude_back.
void model_of_time(const DataTerm& data, std::span<const double> expectation,
                   std::span<const double> amplitude, Index t, std::span<double> ratio,
                   std::span<double> sums) {
  const Problem& problem = data.problem();
  const Events& events = problem.events;
  const Background& background = problem.background;
  for (Index n = events.begin[at(t)]; n < events.begin[at(t + 1)]; ++n) {
    double model = expectation[at(n)];
    for (Index c = 0; c < background.components; ++c) {
      model += amplitude[at(c * background.groups + background.group[at(t)])] *
               background.at_events[at(c * events.size() + n)];
    }
    const double count = problem.counts[at(n)];
    ratio[at(n)] = model > 0 ? std::min(count / model, kLargestRatio) : 0;
    if (!(model > 0) || !(count > 0)) continue;
    sums[0] += count * std::log(model);
    for (Index c = 0; c < background.components; ++c) {
      sums[at(1 + c)] += ratio[at(n)] * background.at_events[at(c * events.size() + n)];
    }
  }
}

}  // namespace

EventModel model_at_events(const DataTerm& data, std::span<const double> expectation,
                           std::span<const double> amplitude) {
  const Problem& problem = data.problem();
  const Background& background = problem.background;
  const Index times = problem.events.times(), width = 1 + background.components;
  EventModel out;
  out.ratio.resize(at(data.events()));
  std::vector<double> sums(at(times * width));
  tbb::parallel_for(Index{0}, times, [&](Index t) {
    model_of_time(data, expectation, amplitude, t, out.ratio,
                  std::span(sums).subspan(at(t * width), at(width)));
  });
  out.amplitude_back.resize(at(data.amplitudes()));
  for (Index t = 0; t < times; ++t) {
    out.log_model += sums[at(t * width)];
    for (Index c = 0; c < background.components; ++c) {
      out.amplitude_back[at(c * background.groups + background.group[at(t)])] +=
          sums[at(t * width + 1 + c)];
    }
  }
  problem.communicator.sum(out.amplitude_back);
  problem.communicator.sum({&out.log_model, 1});
  return out;
}

}  // namespace unfold::imaging
