#include "workers/kernels/imaging/list_operator.h"

#include <stdexcept>

#include "workers/compute/isa.h"
#include "workers/kernels/imaging/list_pass.h"
#include "workers/kernels/imaging/list_worker.h"

namespace unfold::imaging {
namespace {

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

template <class Real>
class ListOperator final : public Operator {
 public:
  ListOperator(std::unique_ptr<const RowModel<Real>> model, compute::Cpu& cpu)
      : model_(std::move(model)), cpu_(cpu), table_(kernels(compute::choose_isa())) {}

  Shape shape() const override { return model_->shape(); }

  void forward(std::span<const double> image, std::span<double> expectation) const override {
    forward_events(every_bin(shape()), {}, image, expectation);
  }
  void back(std::span<const double> data, std::span<double> image) const override {
    back_events(every_bin(shape()), {}, data, image);
  }
  void sensitivity(Subset subset, std::span<double> image) const override;
  void forward_events(const Events& events, Subset subset, std::span<const double> image,
                      std::span<double> expectation) const override;
  void back_events(const Events& events, Subset subset, std::span<const double> data,
                   std::span<double> image) const override;
  PassResult pass(const Events& events, const Background& background,
                  const Pass& pass) const override;

 private:
  void check(const Events& events, Subset subset, std::size_t image, std::size_t data) const {
    require(events.times() == shape().times, "events and response differ in time bins");
    require(subset.first >= 0 && subset.step > 0, "a subset starts at 0 or later and has a step");
    require(image == static_cast<std::size_t>(shape().pixels), "an image has the wrong size");
    require(data == events.bin.size(), "data of events have the wrong size");
  }
  std::vector<Real> seen(std::span<const double> image) const {
    std::vector<Real> out(image.size());
    for (std::size_t p = 0; p < out.size(); ++p) {
      out[p] = static_cast<Real>(image[p] * model_->pixel_factor(static_cast<Index>(p)));
    }
    return out;
  }
  /// image[p] = pixel_factor * sum over runs of total[p], in order.
  void add_up(const std::vector<std::vector<double>>& totals, std::span<double> image) const {
    for (std::size_t p = 0; p < image.size(); ++p) {
      double sum = 0;
      for (const std::vector<double>& total : totals) sum += total[p];
      image[p] = sum * model_->pixel_factor(static_cast<Index>(p));
    }
  }

  std::unique_ptr<const RowModel<Real>> model_;
  compute::Cpu& cpu_;
  const KernelTable& table_;
};

template <class Real>
void ListOperator<Real>::sensitivity(Subset subset, std::span<double> image) const {
  require(subset.first >= 0 && subset.step > 0, "a subset starts at 0 or later and has a step");
  require(image.size() == static_cast<std::size_t>(shape().pixels), "an image has the wrong size");
  constexpr Index kTimesTogether = 64;
  const Index wanted =
      std::max<Index>(0, (shape().times - subset.first + subset.step - 1) / subset.step);
  const Index runs = (wanted + kTimesTogether - 1) / kTimesTogether;
  std::vector<std::vector<double>> totals(static_cast<std::size_t>(runs));
  compute::parallel_for(cpu_, runs, [&](Index run) {
    std::vector<double> total(image.size());
    for (Index i = run * kTimesTogether; i < std::min(wanted, (run + 1) * kTimesTogether); ++i) {
      model_->add_sensitivity(subset.first + i * subset.step, total.data());
    }
    totals[static_cast<std::size_t>(run)] = std::move(total);
  });
  add_up(totals, image);
}

template <class Real>
void ListOperator<Real>::forward_events(const Events& events, Subset subset,
                                        std::span<const double> image,
                                        std::span<double> expectation) const {
  check(events, subset, image.size(), expectation.size());
  const std::vector<Real> x = seen(image);
  const ListPlan plan = plan_list(events, subset, shape().pixels);
  compute::parallel_for(cpu_, plan.runs(), [&](Index run) {
    ListWorker<Real, 1> worker(*model_, table_);
    const auto at = static_cast<std::size_t>(run);
    for (Index i = plan.run[at]; i < plan.run[at + 1]; ++i) {
      const Piece& piece = plan.pieces[static_cast<std::size_t>(i)];
      worker.enter(piece.time, x.data());
      for (Index n = piece.begin; n < piece.end; n += kBlock) {
        const auto size = static_cast<std::size_t>(std::min<Index>(kBlock, piece.end - n));
        const auto first = static_cast<std::size_t>(n);
        worker.meet({events.bin.data() + n, size});
        Real out[kBlock];
        worker.dot(out);
        for (std::size_t j = 0; j < size; ++j) expectation[first + j] = static_cast<double>(out[j]);
      }
    }
  });
}

template <class Real>
void ListOperator<Real>::back_events(const Events& events, Subset subset,
                                     std::span<const double> data, std::span<double> image) const {
  check(events, subset, image.size(), data.size());
  const ListPlan plan = plan_list(events, subset, shape().pixels);
  std::vector<std::vector<double>> totals(static_cast<std::size_t>(plan.runs()));
  compute::parallel_for(cpu_, plan.runs(), [&](Index run) {
    ListWorker<Real, 1> worker(*model_, table_);
    const auto at = static_cast<std::size_t>(run);
    for (Index i = plan.run[at]; i < plan.run[at + 1]; ++i) {
      const Piece& piece = plan.pieces[static_cast<std::size_t>(i)];
      worker.enter(piece.time, nullptr);
      for (Index n = piece.begin; n < piece.end; n += kBlock) {
        const auto size = static_cast<std::size_t>(std::min<Index>(kBlock, piece.end - n));
        worker.meet({events.bin.data() + n, size});
        Real coefficient[kBlock] = {};
        for (std::size_t j = 0; j < size; ++j) {
          coefficient[j] = static_cast<Real>(data[static_cast<std::size_t>(n) + j]);
        }
        worker.accumulate(coefficient);
      }
      worker.leave();
    }
    totals[at] = worker.total();
  });
  add_up(totals, image);
}

template <class Real>
PassResult ListOperator<Real>::pass(const Events& events, const Background& background,
                                    const Pass& pass) const {
  check_pass(shape(), events, background, pass);
  PassResult result = empty_result(shape(), background, pass);
  const auto walk = [&]<int kWide>(Index first_replicate) {
    add_pass<Real, kWide>(*model_, table_, cpu_, {events, background, pass, first_replicate},
                          &result);
  };
  if (pass.replicates < kFewestBatched) {
    for (Index r = 0; r < pass.replicates; ++r) walk.template operator()<1>(r);
  } else {
    for (Index r = 0; r < pass.replicates; r += kLanes) walk.template operator()<kLanes>(r);
  }
  return result;
}

}  // namespace

template <class Real>
std::unique_ptr<Operator> make_list_operator(std::unique_ptr<const RowModel<Real>> model,
                                             compute::Cpu& cpu) {
  return std::make_unique<ListOperator<Real>>(std::move(model), cpu);
}
template std::unique_ptr<Operator> make_list_operator(std::unique_ptr<const RowModel<float>>,
                                                      compute::Cpu&);
template std::unique_ptr<Operator> make_list_operator(std::unique_ptr<const RowModel<double>>,
                                                      compute::Cpu&);

}  // namespace unfold::imaging
