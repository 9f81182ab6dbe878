#include "workers/kernels/imaging/reference_operator.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace unfold::imaging {
namespace {

class ReferenceOperator final : public Operator {
 public:
  ReferenceOperator(Shape shape, std::vector<double> response)
      : shape_(shape), response_(std::move(response)) {
    if (static_cast<Index>(response_.size()) != shape.times * shape.pixels * shape.bins) {
      throw std::invalid_argument("the response's size is not times x pixels x bins");
    }
  }

  Shape shape() const override { return shape_; }

  void forward(std::span<const double> image, std::span<double> expectation) const override {
    for (Index t = 0; t < shape_.times; ++t) {
      for (Index d = 0; d < shape_.bins; ++d)
        expectation[at(t * shape_.bins + d)] = seen(t, d, image);
    }
  }

  void back(std::span<const double> data, std::span<double> image) const override {
    std::fill(image.begin(), image.end(), 0.0);
    for (Index t = 0; t < shape_.times; ++t) {
      for (Index d = 0; d < shape_.bins; ++d) add(t, d, data[at(t * shape_.bins + d)], image);
    }
  }

  void sensitivity(Subset subset, std::span<double> image) const override {
    std::fill(image.begin(), image.end(), 0.0);
    for (Index t = subset.first; t < shape_.times; t += subset.step) {
      for (Index d = 0; d < shape_.bins; ++d) add(t, d, 1, image);
    }
  }

  void forward_events(const Events& events, Subset subset, std::span<const double> image,
                      std::span<double> expectation) const override {
    each(events, subset,
         [&](Index t, Index n) { expectation[at(n)] = seen(t, events.bin[at(n)], image); });
  }

  void back_events(const Events& events, Subset subset, std::span<const double> data,
                   std::span<double> image) const override {
    std::fill(image.begin(), image.end(), 0.0);
    each(events, subset, [&](Index t, Index n) { add(t, events.bin[at(n)], data[at(n)], image); });
  }

  PassResult pass(const Events& events, const Background& background,
                  const Pass& pass) const override {
    PassResult out;
    out.back.assign(at(pass.replicates * shape_.pixels), 0);
    out.amplitude_back.assign(at(pass.replicates * background.amplitudes()), 0);
    out.log_model.assign(at(pass.replicates), 0);
    for (Index r = 0; r < pass.replicates; ++r) pass_one(events, background, pass, r, out);
    return out;
  }

 private:
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }

  double element(Index t, Index p, Index d) const {
    return response_[at((t * shape_.pixels + p) * shape_.bins + d)];
  }
  double seen(Index t, Index d, std::span<const double> image) const {
    double sum = 0;
    for (Index p = 0; p < shape_.pixels; ++p) sum += image[at(p)] * element(t, p, d);
    return sum;
  }
  void add(Index t, Index d, double weight, std::span<double> image) const {
    for (Index p = 0; p < shape_.pixels; ++p) image[at(p)] += weight * element(t, p, d);
  }
  template <class Visit>
  void each(const Events& events, Subset subset, Visit visit) const {
    for (Index t = subset.first; t < shape_.times; t += subset.step) {
      for (Index n = events.begin[at(t)]; n < events.begin[at(t + 1)]; ++n) visit(t, n);
    }
  }

  void pass_one(const Events& events, const Background& background, const Pass& pass, Index r,
                PassResult& out) const {
    const Index n_events = events.size(), n_amplitudes = background.amplitudes();
    const auto image = pass.image.subspan(at(r * shape_.pixels), at(shape_.pixels));
    const auto amplitude = pass.amplitude.subspan(at(r * n_amplitudes), at(n_amplitudes));
    const auto back = std::span(out.back).subspan(at(r * shape_.pixels), at(shape_.pixels));
    each(events, pass.subset, [&](Index t, Index n) {
      const auto of_component = [&](Index c) {
        return c * background.groups + background.group[at(t)];
      };
      double model = pass.floor + seen(t, events.bin[at(n)], image);
      for (Index c = 0; c < background.components; ++c) {
        model += amplitude[at(of_component(c))] * background.at_events[at(c * n_events + n)];
      }
      const double count = pass.counts[at(r * n_events + n)];
      if (!(model > 0)) {
        if (count > 0) ++out.impossible;
        return;
      }
      const double ratio = count / model;
      if (count > 0) out.log_model[at(r)] += count * std::log(model);
      add(t, events.bin[at(n)], ratio, back);
      for (Index c = 0; c < background.components; ++c) {
        out.amplitude_back[at(r * n_amplitudes + of_component(c))] +=
            ratio * background.at_events[at(c * n_events + n)];
      }
    });
  }

  Shape shape_;
  std::vector<double> response_;  // [T, P, D]
};

}  // namespace

std::unique_ptr<Operator> make_reference_operator(Shape shape, std::vector<double> response) {
  return std::make_unique<ReferenceOperator>(shape, std::move(response));
}

std::vector<double> expand(const std::vector<double>& instrument, Index bins,
                           const AttitudeTable& attitude, const std::vector<double>& solid_angle) {
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  std::vector<double> response(at(attitude.times * attitude.pixels * bins));
  for (Index v = 0; v < attitude.pointings; ++v) {
    const Index t = attitude.time_bin[at(v)];
    for (Index p = 0; p < attitude.pixels; ++p) {
      for (Index j = 0; j < attitude.neighbours; ++j) {
        const Index entry = (v * attitude.pixels + p) * attitude.neighbours + j;
        const std::uint16_t k = attitude.lookup[at(entry)];
        if (k == kOutside) continue;
        const double weight = attitude.weight.empty() ? 1 : attitude.weight[at(entry)];
        for (Index d = 0; d < bins; ++d) {
          response[at((t * attitude.pixels + p) * bins + d)] += solid_angle[at(p)] *
                                                                attitude.live_time[at(v)] * weight *
                                                                instrument[at(k * bins + d)];
        }
      }
    }
  }
  return response;
}

}  // namespace unfold::imaging
