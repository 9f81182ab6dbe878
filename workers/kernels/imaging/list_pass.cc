#include "workers/kernels/imaging/list_pass.h"

#include <stdexcept>
#include <type_traits>

#include "workers/kernels/imaging/list_worker.h"

namespace unfold::imaging {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Sums of one run, [.., kWide].
struct RunSums {
  std::vector<double> back;            ///< [P, kWide]
  std::vector<double> amplitude_back;  ///< [A, kWide]
  double log_model[kLanes] = {};
  Index impossible = 0;
};

/// One run of a pass: the arithmetic between dot and accumulate.
template <class Real, int kWide>
class PassRun {
 public:
  PassRun(const RowModel<Real>& model, const KernelTable& table, const PassTask& task)
      : worker_(model, table), ratios_(table.ratios), task_(task) {
    sums_.amplitude_back.resize(at(task.background.amplitudes() * kWide));
    replicates_ = std::min<Index>(kWide, task.pass.replicates - task.first_replicate);
  }

  RunSums over(const ListPlan& plan, Index run, const Real* image) {
    for (Index i = plan.run[at(run)]; i < plan.run[at(run) + 1]; ++i) {
      const Piece& piece = plan.pieces[at(i)];
      worker_.enter(piece.time, image);
      for (Index n = piece.begin; n < piece.end; n += kBlock) {
        block(piece.time, n, std::min<Index>(kBlock, piece.end - n));
      }
      worker_.leave();
    }
    sums_.back = worker_.total();
    if constexpr (kWide == 1) {  // the lanes of log_model were events
      for (int lane = 1; lane < kBlock; ++lane) sums_.log_model[0] += sums_.log_model[lane];
    }
    return std::move(sums_);
  }

 private:
  static constexpr int kEntries = kBlock * kWide;

  void block(Index time, Index first, Index size) {
    worker_.meet({task_.events.bin.data() + first, at(size)});
    Real product[kEntries];
    worker_.dot(product);
    for (int i = 0; i < kEntries; ++i) {
      model_[i] = static_cast<double>(product[i]) + task_.pass.floor;
      counts_[i] = 0;
    }
    load_counts(first, size);
    background(time, first, size, [&](int i, std::size_t amplitude, int lane, double b) {
      model_[i] += task_.pass.amplitude[amplitude + amplitude_stride() * at(lane)] * b;
    });
    ratios_({kEntries, kWide == 1 ? kBlock : kLanes, model_, counts_, kLimit, ratio_,
             sums_.log_model, &sums_.impossible});
    background(time, first, size, [&](int i, std::size_t amplitude, int lane, double b) {
      sums_.amplitude_back[(amplitude - base_amplitude()) * kWide + at(lane)] += ratio_[i] * b;
    });
    Real coefficient[kEntries];
    for (int i = 0; i < kEntries; ++i) coefficient[i] = static_cast<Real>(ratio_[i]);
    worker_.accumulate(coefficient);
  }

  void load_counts(Index first, Index size) {
    const Index events = task_.events.size();
    for (Index lane = 0; lane < replicates_; ++lane) {
      const double* counts =
          task_.pass.counts.data() + (task_.first_replicate + lane) * events + first;
      for (Index j = 0; j < size; ++j) counts_[j * kWide + lane] = counts[j];
    }
  }

  /// Calls f(entry, index into amplitudes of lane 0, lane, background per unit amplitude).
  template <class F>
  void background(Index time, Index first, Index size, const F& f) {
    const Background& b = task_.background;
    for (Index c = 0; c < b.components; ++c) {
      const auto amplitude = base_amplitude() + at(c * b.groups + b.group[at(time)]);
      const double* values = b.at_events.data() + c * task_.events.size() + first;
      for (int j = 0; j < size; ++j) {
        for (int lane = 0; lane < replicates_; ++lane) {
          f(j * kWide + lane, amplitude, lane, values[j]);
        }
      }
    }
  }
  std::size_t amplitude_stride() const { return at(task_.background.amplitudes()); }
  std::size_t base_amplitude() const { return at(task_.first_replicate) * amplitude_stride(); }

  /// Larger ratios come of a model that is 0 but for rounding; products with rows stay finite.
  static constexpr double kLimit = std::is_same_v<Real, double> ? 1e280 : 1e25;

  ListWorker<Real, kWide> worker_;
  void (*ratios_)(const RatioTask&);
  const PassTask& task_;
  Index replicates_ = 0;
  RunSums sums_;
  double model_[kEntries], counts_[kEntries], ratio_[kEntries];
};

/// image[r0 + lane] of the pass, times pixel_factor, as [P, kWide].
template <class Real, int kWide>
std::vector<Real> seen(const RowModel<Real>& model, const PassTask& task) {
  const Index pixels = model.shape().pixels;
  std::vector<Real> out(at(pixels * kWide));
  const Index replicates = std::min<Index>(kWide, task.pass.replicates - task.first_replicate);
  for (Index p = 0; p < pixels; ++p) {
    const double factor = model.pixel_factor(p);
    for (Index lane = 0; lane < replicates; ++lane) {
      out[at(p * kWide + lane)] = static_cast<Real>(
          factor * task.pass.image[at((task.first_replicate + lane) * pixels + p)]);
    }
  }
  return out;
}

/// to[r0 + lane, i] = sum over runs of of_run(run)[i, lane], in order.
template <int kWide, class OfRun>
void add_up(const std::vector<RunSums>& sums, Index size, Index first, Index replicates,
            const OfRun& of_run, std::vector<double>* to) {
  for (Index lane = 0; lane < replicates; ++lane) {
    double* out = to->data() + (first + lane) * size;
    for (const RunSums& s : sums) {
      const double* from = of_run(s) + lane;
      for (Index i = 0; i < size; ++i) out[i] += from[i * kWide];
    }
  }
}

}  // namespace

void check_pass(Shape shape, const Events& events, const Background& background, const Pass& pass) {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
  };
  const Index n = events.size();
  require(events.times() == shape.times, "events and response differ in time bins");
  require(pass.subset.first >= 0 && pass.subset.step > 0,
          "a subset starts at 0 or later and has a step");
  require(pass.replicates >= 0 && pass.counts.size() == at(pass.replicates * n),
          "counts have the wrong size");
  require(pass.image.size() == at(pass.replicates * shape.pixels), "images have the wrong size");
  require(pass.amplitude.size() == at(pass.replicates * background.amplitudes()),
          "amplitudes have the wrong size");
  require(background.at_events.size() == at(background.components * n),
          "the background at events has the wrong size");
  require(background.components == 0 || background.group.size() == at(shape.times),
          "background groups and response differ in time bins");
}

PassResult empty_result(Shape shape, const Background& background, const Pass& pass) {
  PassResult result;
  result.back.resize(at(pass.replicates * shape.pixels));
  result.amplitude_back.resize(at(pass.replicates * background.amplitudes()));
  result.log_model.resize(at(pass.replicates));
  return result;
}

template <class Real, int kWide>
void add_pass(const RowModel<Real>& model, const KernelTable& table, compute::Cpu& cpu,
              const PassTask& task, PassResult* result) {
  const Index pixels = model.shape().pixels;
  const std::vector<Real> image = seen<Real, kWide>(model, task);
  const ListPlan plan = plan_list(task.events, task.pass.subset, pixels * kWide);
  std::vector<RunSums> sums(at(plan.runs()));
  compute::parallel_for(cpu, plan.runs(), [&](Index run) {
    sums[at(run)] = PassRun<Real, kWide>(model, table, task).over(plan, run, image.data());
  });
  const Index first = task.first_replicate;
  const Index replicates = std::min<Index>(kWide, task.pass.replicates - first);
  add_up<kWide>(
      sums, pixels, first, replicates, [](const RunSums& s) { return s.back.data(); },
      &result->back);
  add_up<kWide>(
      sums, task.background.amplitudes(), first, replicates,
      [](const RunSums& s) { return s.amplitude_back.data(); }, &result->amplitude_back);
  add_up<kWide>(
      sums, 1, first, replicates, [](const RunSums& s) { return s.log_model; }, &result->log_model);
  for (const RunSums& s : sums) result->impossible += s.impossible;
  for (Index lane = 0; lane < replicates; ++lane) {
    for (Index p = 0; p < pixels; ++p) {
      result->back[at((first + lane) * pixels + p)] *= model.pixel_factor(p);
    }
  }
}

template void add_pass<float, 1>(const RowModel<float>&, const KernelTable&, compute::Cpu&,
                                 const PassTask&, PassResult*);
template void add_pass<float, kLanes>(const RowModel<float>&, const KernelTable&, compute::Cpu&,
                                      const PassTask&, PassResult*);
template void add_pass<double, 1>(const RowModel<double>&, const KernelTable&, compute::Cpu&,
                                  const PassTask&, PassResult*);
template void add_pass<double, kLanes>(const RowModel<double>&, const KernelTable&, compute::Cpu&,
                                       const PassTask&, PassResult*);

}  // namespace unfold::imaging
