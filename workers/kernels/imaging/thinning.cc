#include "workers/kernels/imaging/thinning.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "workers/kernels/imaging/redraw.h"
#include "workers/kernels/imaging/replicates.h"

namespace unfold::imaging {
namespace {

/// Half a unit of the log-likelihood is its standard deviation: what lies within is as good.
constexpr double kAsGood = 0.5;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// sum of the background over all bins, per amplitude.
std::vector<double> background_totals(const Background& background) {
  std::vector<double> out(at(background.amplitudes()));
  const Index times = static_cast<Index>(background.group.size());
  for (Index c = 0; c < background.components; ++c) {
    for (Index t = 0; t < times; ++t) {
      out[at(c * background.groups + background.group[at(t)])] += background.sum[at(c * times + t)];
    }
  }
  return out;
}

/// The validation likelihood of several fits, each of a share of the counts, by one pass.
class Validation {
 public:
  Validation(const Problem& problem, double fraction, const std::vector<double>& counts)
      : problem_(problem),
        at_events_(problem.response.at(problem.events, problem.background)),
        share_(1 - fraction),
        counts_(counts),
        totals_(background_totals(problem.background)) {
    problem.communicator.sum(totals_);
  }

  double of(const Replicates& fits) {
    std::vector<double> image, amplitude;
    double expected = 0;
    for (Index r = 0; r < fits.size(); ++r) {
      const Estimate& estimate = fits.estimate(r);
      image.insert(image.end(), estimate.image.begin(), estimate.image.end());
      amplitude.insert(amplitude.end(), estimate.amplitude.begin(), estimate.amplitude.end());
      expected += std::inner_product(estimate.image.begin(), estimate.image.end(),
                                     problem_.exposure.begin(), 0.0);
      expected +=
          std::inner_product(totals_.begin(), totals_.end(), estimate.amplitude.begin(), 0.0);
    }
    const PassResult seen = at_events_->pass({.replicates = fits.size(),
                                              .counts = counts_,
                                              .image = image,
                                              .amplitude = amplitude,
                                              .counts_version = 1});
    double sums[] = {std::accumulate(seen.log_model.begin(), seen.log_model.end(), 0.0),
                     static_cast<double>(seen.impossible)};
    problem_.communicator.sum(sums);
    if (least_impossible_ < 0) least_impossible_ = sums[1];
    if (sums[1] > least_impossible_) return -std::numeric_limits<double>::infinity();
    return (sums[0] - share_ * expected) / static_cast<double>(fits.size());
  }

 private:
  const Problem& problem_;
  std::unique_ptr<const EventOperator> at_events_;
  double share_;
  const std::vector<double>& counts_;  ///< [S, N]
  std::vector<double> totals_;
  double least_impossible_ = -1;  ///< events that no image explains are no image's fault
};

}  // namespace

ThinningResult find_stop(const Problem& problem, const AlgorithmOptions& options,
                         const StopRule& rule, std::uint64_t stream,
                         const AfterUpdate& after_update) {
  const Splits splits = split_counts(problem.counts, rule.fraction, rule.splits, rule.seed, stream,
                                     count_before(problem.communicator, problem.events.size()));
  const Problem share{
      problem.response, problem.events, problem.background,   problem.counts,
      problem.exposure, problem.sky,    problem.communicator, problem.share * rule.fraction};
  Replicates fits(share, options, splits.train, rule.splits);
  Validation validation(problem, rule.fraction, splits.validate);
  const Index limit =
      std::max<Index>(1, static_cast<Index>(static_cast<double>(rule.iterations) * rule.fraction));
  ThinningResult out;
  Index best = 0;
  while (static_cast<Index>(out.validation.size()) < limit) {
    fits.step();
    out.validation.push_back(validation.of(fits));
    const Index last = static_cast<Index>(out.validation.size()) - 1;
    if (out.validation[at(last)] > out.validation[at(best)]) best = last;
    if (after_update) after_update(last + 1, out.validation.back(), fits.estimate(0));
    if (last - best >= rule.patience) break;
  }
  out.found_maximum = best + 1 < static_cast<Index>(out.validation.size()) || limit == 1;
  Index latest = static_cast<Index>(out.validation.size()) - 1;
  while (out.validation[at(latest)] < out.validation[at(best)] - kAsGood) --latest;
  out.updates = std::clamp<Index>(std::lround(static_cast<double>(latest + 1) / rule.fraction), 1,
                                  rule.iterations);
  return out;
}

}  // namespace unfold::imaging
