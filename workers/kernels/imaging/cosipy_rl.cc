#include <algorithm>
#include <limits>

#include "workers/kernels/imaging/algorithms.h"
#include "workers/kernels/imaging/data_term.h"
#include "workers/kernels/imaging/one_fit.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {
namespace {

constexpr double kFloor = 1e-12;  // counts in every bin of the model
constexpr double kMostBackground = 100;

class CosipyRl final : public OneFit<CosipyRl> {
 public:
  CosipyRl(const Problem& problem, const AlgorithmOptions& options)
      : OneFit(problem, options, 1.0), options_(options) {
    for (const double e : data_.all().sensitivity) largest_ = std::max(largest_, e);
  }

  Step step() override {
    const PassResult result = data_.pass({.counts = data_.problem().counts,
                                          .image = estimate_.image,
                                          .amplitude = estimate_.amplitude,
                                          .floor = kFloor,
                                          .counts_version = 1});
    Step out;
    out.log_likelihood =
        result.log_model[0] - DataTerm::expected(data_.all(), estimate_.image, estimate_.amplitude);
    const std::vector<double> delta = direction(result.back);
    out.step_length = acceleration(delta);
    for_each_index(
        data_.pixels(),
        AddStep{.delta = view(delta), .length = out.step_length, .image = view(estimate_.image)});
    scale_background(result.amplitude_back);
    ++iteration_;
    return out;
  }

 private:
  std::vector<double> direction(const std::vector<double>& back) const {
    std::vector<double> delta(back.size());
    for_each_index(data_.pixels(), CosipyDelta{.image = view(estimate_.image),
                                               .back = view(back),
                                               .exposure = view(data_.all().sensitivity),
                                               .largest = largest_,
                                               .power = options_.weight_power,
                                               .delta = view(delta)});
    smoothing_.apply(delta);
    for (std::size_t p = 0; p < delta.size(); ++p) {
      if (!(data_.all().sensitivity[p] > 0)) delta[p] = 0;
    }
    return delta;
  }

  /// The step at which the first pixel meets 0, within 1 .. max_step.
  double acceleration(const std::vector<double>& delta) const {
    if (!(options_.max_step > 1)) return 1;
    double longest = std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < delta.size(); ++p) {
      if (delta[p] < 0) longest = std::min(longest, -estimate_.image[p] / delta[p]);
    }
    return std::max(1.0, std::min(options_.max_step, longest));
  }

  /// n <- clip(n sum(b y/m) / sum b), the groups of a component together.
  void scale_background(const std::vector<double>& amplitude_back) {
    const Background& background = data_.problem().background;
    const Index groups = background.groups;
    for (Index c = 0; c < background.components; ++c) {
      double back = 0, total = 0;
      for (Index a = c * groups; a < (c + 1) * groups; ++a) {
        back += amplitude_back[at(a)];
        total += data_.all().background[at(a)];
      }
      if (!(total > 0)) continue;
      for (Index a = c * groups; a < (c + 1) * groups; ++a) {
        double& amplitude = estimate_.amplitude[at(a)];
        amplitude = std::clamp(amplitude * back / total, 0.0, kMostBackground);
      }
    }
  }

  AlgorithmOptions options_;
  double largest_ = 0;
};

}  // namespace

std::unique_ptr<Reconstruction> make_cosipy_rl(const Problem& problem,
                                               const AlgorithmOptions& options) {
  return std::make_unique<CosipyRl>(problem, options);
}

}  // namespace unfold::imaging
