#include <algorithm>
#include <cmath>
#include <limits>

#include "workers/kernels/imaging/algorithms.h"
#include "workers/kernels/imaging/event_model.h"
#include "workers/kernels/imaging/newton.h"
#include "workers/kernels/imaging/one_fit.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {
namespace {

constexpr double kLeastParameter = 1e-8;
constexpr double kShareOfLongest = 0.95;
constexpr double kMostSteps = 9999;
constexpr double kScaleSigma = 1e-2;

class Dc1 final : public OneFit<Dc1> {
 public:
  Dc1(const Problem& problem, const AlgorithmOptions& options)
      : OneFit(problem, options, options.background_prior),
        options_(options),
        feedback_(options.algorithm == Algorithm::kDc1Feedback),
        fitted_(estimate_.amplitude),
        expectation_(at(data_.events())) {
    data_.forward_events(estimate_.image, expectation_);
  }

  Step step() override {
    const EventModel model = model_at_events(data_, expectation_, estimate_.amplitude);
    Step out;
    out.log_likelihood =
        model.log_model - DataTerm::expected(data_.all(), estimate_.image, estimate_.amplitude);
    const std::vector<double> delta = direction(model);
    std::vector<double> change(at(data_.events()));
    data_.forward_events(delta, change);
    out.step_length = fit(delta, change);
    move(delta, change, out.step_length);
    ++iteration_;
    return out;
  }

  std::vector<double> recorded_amplitude() const override {
    return feedback_ ? estimate_.amplitude : fitted_;
  }

  template <class Self, class Visit>
  static void visit_more(Self& self, Visit& visit) {
    visit(self.fitted_);
    visit(self.expectation_);
  }

 private:
  std::vector<double> direction(const EventModel& model) const {
    const Index pixels = data_.pixels();
    std::vector<double> back(at(pixels)), delta(at(pixels));
    data_.back_events(model.ratio, back);
    for_each_index(pixels, Dc1Delta{.image = view(estimate_.image),
                                    .back = view(back),
                                    .exposure = view(data_.all().sensitivity),
                                    .delta = view(delta)});
    smoothing_.apply(delta);
    for (std::size_t p = 0; p < delta.size(); ++p) {
      if (!(data_.all().sensitivity[p] > 0)) delta[p] = 0;
    }
    return delta;
  }

  /// afl: the largest integer i in 0 .. 9999 with x + delta i / s >= 0 everywhere.
  double longest(std::span<const double> delta) const {
    double most = kMostSteps;
    for (std::size_t p = 0; p < delta.size(); ++p) {
      if (delta[p] < 0) {
        most = std::min(most, std::floor(-options_.dc1_scale * estimate_.image[p] / delta[p]));
      }
    }
    return std::max(most, 0.0);
  }

  /// Maximises over (f0, f1, A); returns lambda and keeps the amplitudes.
  double fit(std::span<const double> delta, std::vector<double>& change) {
    std::vector<double> scaled(change);
    for (double& value : scaled) value /= options_.dc1_scale;
    const NewtonResult result = maximise(newton_problem(delta, scaled));
    fitted_.assign(result.parameters.begin() + 2, result.parameters.end());
    return result.parameters[1] / options_.dc1_scale;
  }

  NewtonProblem newton_problem(std::span<const double> delta,
                               const std::vector<double>& scaled) const {
    const Problem& problem = data_.problem();
    const double afl = longest(delta), inf = std::numeric_limits<double>::infinity();
    const double centre = feedback_ ? 1 : options_.background_prior;
    const double step_sigma = std::max(afl, 1e-9);
    const std::vector<double> none(at(data_.amplitudes()));
    const auto& totals = data_.all();
    NewtonProblem out{
        .events = problem.events,
        .background = problem.background,
        .communicator = problem.communicator,
        .counts = problem.counts,
        .scaled = {expectation_, scaled},
        .unit = estimate_.amplitude,
        .total = {DataTerm::expected(totals, estimate_.image, none),
                  DataTerm::expected(totals, delta, none) / options_.dc1_scale},
        .start = {1, afl / 2},
        .low = {kLeastParameter, kLeastParameter},
        .high = {kShareOfLongest * afl, kShareOfLongest * afl},
        .centre = {1, afl / 2},
        .inverse_variance = {1 / (kScaleSigma * kScaleSigma), 1 / (step_sigma * step_sigma)}};
    for (std::size_t a = 0; a < none.size(); ++a) {
      out.total.push_back(totals.background[a] * estimate_.amplitude[a]);
      out.start.push_back(centre);
      out.low.push_back(kLeastParameter);
      out.high.push_back(inf);
      out.centre.push_back(centre);
      out.inverse_variance.push_back(1 / (centre * centre));
    }
    return out;
  }

  void move(std::span<const double> delta, std::span<const double> change, double lambda) {
    for (std::size_t p = 0; p < delta.size(); ++p) estimate_.image[p] += lambda * delta[p];
    for (std::size_t n = 0; n < change.size(); ++n) expectation_[n] += lambda * change[n];
    if (!feedback_) return;
    for (std::size_t a = 0; a < fitted_.size(); ++a) estimate_.amplitude[a] *= fitted_[a];
  }

  AlgorithmOptions options_;
  bool feedback_;
  std::vector<double> fitted_;       // [A] of the last step
  std::vector<double> expectation_;  // [N] E of the image at events
};

}  // namespace

std::unique_ptr<Reconstruction> make_dc1(const Problem& problem, const AlgorithmOptions& options) {
  return std::make_unique<Dc1>(problem, options);
}

}  // namespace unfold::imaging
