#include <limits>

#include "workers/kernels/imaging/algorithms.h"
#include "workers/kernels/imaging/event_model.h"
#include "workers/kernels/imaging/newton.h"
#include "workers/kernels/imaging/one_fit.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {
namespace {

constexpr double kLeastParameter = 1e-10;

class EmNewton final : public OneFit<EmNewton> {
 public:
  EmNewton(const Problem& problem, const AlgorithmOptions& options)
      : OneFit(problem, options, 1.0), expectation_(at(data_.events())) {
    data_.forward_events(estimate_.image, expectation_);
  }

  Step step() override {
    const EventModel model = model_at_events(data_, expectation_, estimate_.amplitude);
    Step out;
    out.log_likelihood =
        model.log_model - DataTerm::expected(data_.all(), estimate_.image, estimate_.amplitude);
    em_step(model);
    data_.forward_events(estimate_.image, expectation_);
    rescale();
    ++iteration_;
    return out;
  }

  template <class Self, class Visit>
  static void visit_more(Self& self, Visit& visit) {
    visit(self.expectation_);
  }

 private:
  void em_step(const EventModel& model) {
    std::vector<double> back(at(data_.pixels()));
    data_.back_events(model.ratio, back);
    const Totals& totals = data_.all();
    const std::vector<double> before = estimate_.image;
    for_each_index(data_.pixels(), EmUpdate{.image = view(before),
                                            .back = view(back),
                                            .sensitivity = view(totals.sensitivity),
                                            .total = view(totals.sensitivity),
                                            .next = view(estimate_.image)});
    smoothing_.apply_to_update(before, totals.sensitivity, estimate_.image);
    for_each_index(data_.amplitudes(), AmplitudeUpdate{.amplitude = view(estimate_.amplitude),
                                                       .back = view(model.amplitude_back),
                                                       .total = view(totals.background),
                                                       .next = view(estimate_.amplitude)});
  }

  /// The exact maximum over the image's scale and the amplitudes.
  void rescale() {
    const Problem& problem = data_.problem();
    const std::size_t size = at(1 + data_.amplitudes());
    const std::vector<double> none(at(data_.amplitudes()));
    NewtonProblem newton{.events = problem.events,
                         .background = problem.background,
                         .communicator = problem.communicator,
                         .counts = problem.counts,
                         .scaled = {expectation_},
                         .unit = std::vector<double>(none.size(), 1.0),
                         .total = {DataTerm::expected(data_.all(), estimate_.image, none)},
                         .start = {1},
                         .low = std::vector<double>(size, kLeastParameter),
                         .high = std::vector<double>(size, std::numeric_limits<double>::infinity()),
                         .centre = std::vector<double>(size, 1.0),
                         .inverse_variance = std::vector<double>(size, 0.0)};
    const auto append = [](std::vector<double>& to, const std::vector<double>& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(newton.total, data_.all().background);
    append(newton.start, estimate_.amplitude);
    const NewtonResult result = maximise(newton);
    for (double& x : estimate_.image) x *= result.parameters[0];
    for (double& e : expectation_) e *= result.parameters[0];
    estimate_.amplitude.assign(result.parameters.begin() + 1, result.parameters.end());
  }

  std::vector<double> expectation_;  // [N] E of the image at events
};

}  // namespace

std::unique_ptr<Reconstruction> make_em_newton(const Problem& problem,
                                               const AlgorithmOptions& options) {
  return std::make_unique<EmNewton>(problem, options);
}

}  // namespace unfold::imaging
