#include <algorithm>

#include "workers/compute/isa.h"
#include "workers/kernels/imaging/dispatch.h"
#include "workers/kernels/imaging/list_operator.h"
#include "workers/kernels/imaging/packed_response.h"

namespace unfold::imaging {
namespace {

/// Columns are sky pixels, and S_t[p,k] is 1 or what a unit of storage is worth where k = p.
template <class Real>
class DenseModel final : public RowModel<Real> {
 public:
  explicit DenseModel(std::shared_ptr<const DenseResponse> response)
      : response_(std::move(response)),
        kernels_(kernels_of<Real>(kernels(compute::choose_isa()))),
        unit_(response_->scale.begin(), response_->scale.end()) {}

  Shape shape() const override { return {response_->times, response_->columns, response_->bins}; }
  Element element() const override { return response_->element; }
  Index length() const override { return response_->stride; }
  typename RowModel<Real>::Rows rows(Index t) const override {
    return {response_->row(t, 0), response_->row_bytes()};
  }
  double pixel_factor(Index) const override { return 1; }

  void spread(Index t, int lanes, const Real* image, Real* w) const override {
    std::copy_n(image, response_->columns * lanes, w);
    std::fill(w + response_->columns * lanes, w + response_->stride * lanes, Real{0});
    scale(t, lanes, w);
  }

  void gather(Index t, int lanes, Real* sum, Real* image) const override {
    scale(t, lanes, sum);
    for (Index i = 0; i < response_->columns * lanes; ++i) image[i] += sum[i];
  }

  void add_sensitivity(Index t, double* image) const override {
    const double* sums = response_->row_sum.data() + t * response_->columns;
    for (Index p = 0; p < response_->columns; ++p) image[p] += sums[p];
  }

 private:
  void scale(Index t, int lanes, Real* values) const {
    if (unit_.empty()) return;
    (lanes == 1 ? kernels_.multiply : kernels_.multiply_lanes)(
        unit_.data() + t * response_->columns, response_->columns, values);
  }

  std::shared_ptr<const DenseResponse> response_;
  const Kernels<Real>& kernels_;
  std::vector<Real> unit_;  ///< [T, P] what the element is worth, or empty: 1
};

}  // namespace

std::unique_ptr<Operator> make_dense_operator(std::shared_ptr<const DenseResponse> response,
                                              compute::Cpu& cpu) {
  if (response->element == Element::kF64) {
    return make_list_operator<double>(std::make_unique<DenseModel<double>>(response), cpu);
  }
  return make_list_operator<float>(std::make_unique<DenseModel<float>>(response), cpu);
}

}  // namespace unfold::imaging
