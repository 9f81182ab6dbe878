#include "workers/kernels/imaging/data_term.h"

#include <algorithm>
#include <numeric>

namespace unfold::imaging {
namespace {

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Sums of the background over the subset's bins, per amplitude and unit amplitude.
std::vector<double> background_totals(const Background& background, Subset subset) {
  std::vector<double> out(at(background.amplitudes()));
  const Index times = static_cast<Index>(background.group.size());
  for (Index c = 0; c < background.components; ++c) {
    for (Index t = subset.first; t < times; t += subset.step) {
      out[at(c * background.groups + background.group[at(t)])] += background.sum[at(c * times + t)];
    }
  }
  return out;
}

}  // namespace

DataTerm::DataTerm(const Problem& problem)
    : problem_(problem),
      at_events_(problem.response.at(problem.events, problem.background)),
      pixels_(problem.response.shape().pixels) {
  all_.sensitivity.assign(problem.exposure.begin(), problem.exposure.end());
  all_.background = background_totals(problem.background, {});
  problem_.communicator.sum(all_.background);
  for (double& s : all_.sensitivity) s *= problem.share;
  for (double& b : all_.background) b *= problem.share;
}

Totals DataTerm::totals(Subset subset) const {
  Totals out{subset, std::vector<double>(at(pixels_)),
             background_totals(problem_.background, subset)};
  problem_.response.sensitivity(subset, out.sensitivity);
  problem_.communicator.sum(out.sensitivity);
  problem_.communicator.sum(out.background);
  for (double& s : out.sensitivity) s *= problem_.share;
  for (double& b : out.background) b *= problem_.share;
  return out;
}

Index DataTerm::usable_subsets(Index wanted) const {
  const Events& events = problem_.events;
  for (Index subsets = wanted; subsets > 1; --subsets) {
    std::vector<double> held(at(subsets));
    for (Index t = 0; t < events.times(); ++t) {
      for (Index n = events.begin[at(t)]; n < events.begin[at(t + 1)]; ++n) {
        held[at(t % subsets)] += problem_.counts[at(n)];
      }
    }
    problem_.communicator.sum(held);
    if (*std::min_element(held.begin(), held.end()) >= kLeastCounts) return subsets;
  }
  return 1;
}

PassResult DataTerm::pass(const Pass& pass) const {
  PassResult out = at_events_->pass(pass);
  double impossible = static_cast<double>(out.impossible);
  problem_.communicator.sum(out.back);
  problem_.communicator.sum(out.amplitude_back);
  problem_.communicator.sum(out.log_model);
  problem_.communicator.sum({&impossible, 1});
  out.impossible = static_cast<Index>(impossible);
  return out;
}

void DataTerm::back_events(std::span<const double> data, std::span<double> image) const {
  at_events_->back({}, data, image);
  problem_.communicator.sum(image);
}

void DataTerm::forward_events(std::span<const double> image, std::span<double> expectation) const {
  at_events_->forward({}, image, expectation);
}

double DataTerm::expected(const Totals& totals, std::span<const double> image,
                          std::span<const double> amplitude) {
  return dot(totals.sensitivity, image) + dot(totals.background, amplitude);
}

double DataTerm::log_likelihood(const Estimate& estimate) const {
  const PassResult result =
      pass({.counts = problem_.counts, .image = estimate.image, .amplitude = estimate.amplitude});
  return result.log_model[0] - expected(all_, estimate.image, estimate.amplitude);
}

std::vector<double> initial_image(const Problem& problem, double flux) {
  const double area =
      std::accumulate(problem.sky.solid_angle.begin(), problem.sky.solid_angle.end(), 0.0);
  std::vector<double> out(problem.exposure.size(), flux / area);
  for (std::size_t p = 0; p < out.size(); ++p) {
    if (!(problem.exposure[p] > 0)) out[p] = 0;
  }
  return out;
}

}  // namespace unfold::imaging
