#include <algorithm>
#include <stdexcept>

#include "workers/compute/isa.h"
#include "workers/kernels/imaging/attitude.h"
#include "workers/kernels/imaging/dispatch.h"
#include "workers/kernels/imaging/element.h"
#include "workers/kernels/imaging/list_operator.h"
#include "workers/kernels/imaging/packed_response.h"

namespace unfold::imaging {
namespace {

/// Columns are instrument directions; S_t[p,k] is the live time that t's pointings see pixel p from
/// direction k. Only the range of directions that are looked up and not empty is met.
template <class Real>
class FactoredModel final : public RowModel<Real> {
 public:
  FactoredModel(std::shared_ptr<const FactoredResponse> response,
                std::shared_ptr<const Attitude> attitude, std::vector<double> solid_angle)
      : response_(std::move(response)),
        attitude_(std::move(attitude)),
        solid_angle_(std::move(solid_angle)),
        table_(kernels(compute::choose_isa())),
        kernels_(kernels_of<Real>(table_)) {
    const Index first = std::max(response_->first_used, attitude_->first_used);
    const Index last = std::min(response_->last_used, attitude_->last_used);
    first_ = std::min(first, std::max<Index>(last - 1, 0)) / kRowPad * kRowPad;
    length_ = (std::max(last, first_ + 1) - first_ + kRowPad - 1) / kRowPad * kRowPad;
    if (!response_->scale.empty()) {
      const auto scale = response_->scale.begin();
      unit_.assign(scale + first_, scale + std::min(first_ + length_, response_->columns));
    }
  }

  Shape shape() const override { return {attitude_->times, attitude_->pixels, response_->bins}; }
  Element element() const override { return response_->element; }
  Index length() const override { return length_; }
  typename RowModel<Real>::Rows rows(Index) const override {
    return {response_->row(0, 0) + first_ * size_of(response_->element), response_->row_bytes()};
  }
  double pixel_factor(Index p) const override { return solid_angle_[static_cast<std::size_t>(p)]; }

  void spread(Index t, int lanes, const Real* image, Real* w) const override {
    std::vector<Real> all(static_cast<std::size_t>(response_->stride * lanes));
    each_part(t, [&](const Lookups& lookups, Index first_pixel) {
      (lanes == 1 ? kernels_.spread : kernels_.spread_lanes)(lookups, image + first_pixel * lanes,
                                                             all.data());
    });
    std::copy_n(all.data() + first_ * lanes, length_ * lanes, w);
    scale(lanes, w);
  }

  void gather(Index t, int lanes, Real* sum, Real* image) const override {
    scale(lanes, sum);
    std::vector<Real> all(static_cast<std::size_t>(response_->stride * lanes));
    std::copy_n(sum, length_ * lanes, all.data() + first_ * lanes);
    each_part(t, [&](const Lookups& lookups, Index first_pixel) {
      (lanes == 1 ? kernels_.gather : kernels_.gather_lanes)(lookups, all.data(),
                                                             image + first_pixel * lanes);
    });
  }

  void add_sensitivity(Index t, double* image) const override {
    each_part(t, [&](const Lookups& lookups, Index first_pixel) {
      table_.f64.gather(lookups, response_->row_sum.data(), image + first_pixel);
    });
  }

 private:
  template <class F>
  void each_part(Index t, const F& f) const {
    const Attitude& a = *attitude_;
    for (Index i = a.begin[static_cast<std::size_t>(t)];
         i < a.begin[static_cast<std::size_t>(t) + 1]; ++i) {
      const Attitude::Part& part = a.part[static_cast<std::size_t>(i)];
      f(Lookups{a.entry.data() + part.begin,
                a.weight.empty() ? nullptr : a.weight.data() + part.begin, part.end - part.begin,
                part.live_time},
        part.first_pixel);
    }
  }

  void scale(int lanes, Real* values) const {
    (lanes == 1 ? kernels_.multiply : kernels_.multiply_lanes)(
        unit_.data(), static_cast<Index>(unit_.size()), values);
  }

  std::shared_ptr<const FactoredResponse> response_;
  std::shared_ptr<const Attitude> attitude_;
  std::vector<double> solid_angle_;
  const KernelTable& table_;
  const Kernels<Real>& kernels_;
  Index first_ = 0, length_ = 0;
  std::vector<Real> unit_;  ///< what the element is worth in the columns met, or empty: 1
};

}  // namespace

std::unique_ptr<Operator> make_factored_operator(std::shared_ptr<const FactoredResponse> response,
                                                 std::shared_ptr<const Attitude> attitude,
                                                 std::vector<double> solid_angle,
                                                 compute::Cpu& cpu) {
  if (attitude->directions > response->columns) {
    throw std::invalid_argument("the attitude was made for more directions than the response has");
  }
  if (static_cast<Index>(solid_angle.size()) != attitude->pixels) {
    throw std::invalid_argument("solid angles and attitude differ in pixels");
  }
  if (response->element == Element::kF64) {
    return make_list_operator<double>(
        std::make_unique<FactoredModel<double>>(response, attitude, std::move(solid_angle)), cpu);
  }
  return make_list_operator<float>(
      std::make_unique<FactoredModel<float>>(response, attitude, std::move(solid_angle)), cpu);
}

}  // namespace unfold::imaging
