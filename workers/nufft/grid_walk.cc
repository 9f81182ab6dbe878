#include "workers/nufft/grid_walk.h"

#include <algorithm>

#include "workers/nufft/dispatch.h"

namespace unfold::nufft {
namespace {

/// Points whose values are brought into order at once.
constexpr Index kRun = 256;
/// Points of one task of a gather.
constexpr Index kTask = 1 << 13;

}  // namespace

template <class Real, int Parts>
GridWalk<Real, Parts>::GridWalk(compute::Cpu& cpu, const Shape& shape, const Window& window,
                                compute::Isa isa)
    : cpu_(&cpu),
      shape_(shape),
      window_(window.template coefficients<Real>(1, 0, kStride)),
      last_(window.template coefficients<Real>(Parts, kLead, kLastStride)) {
  const Kernels<Real>& table = kernels_of<Real>(kernels(isa));
  spread_ = table.spread[Parts - 1][shape.width];
  gather_ = table.gather[Parts - 1][shape.width];
}

template <class Real, int Parts>
void GridWalk<Real, Parts>::spread(const SortedPoints<Real>& points, const Real* c,
                                   Real* grid) const {
  const Index plane = Parts * shape_.plane;
  cpu_->parallel_for(shape_.cells / shape_.plane, [&](Index x) {
    std::fill(grid + x * plane, grid + (x + 1) * plane, Real(0));
  });
  for (const auto& boxes : points.boxes)
    cpu_->parallel_for(static_cast<Index>(boxes.size()), [&](Index b) {
      const auto& box = boxes[static_cast<std::size_t>(b)];
      Real sorted[Parts * kRun];
      for (Index begin = box.begin; begin < box.end; begin += kRun) {
        const Index count = std::min(kRun, box.end - begin);
        const std::uint32_t* order = points.order.data() + begin;
        for (Index i = 0; i < count; ++i)
          for (int part = 0; part < Parts; ++part)
            sorted[Parts * i + part] = c[Parts * static_cast<Index>(order[i]) + part];
        spread_(run_of(points.points.data() + begin, count), sorted, grid);
      }
    });
}

template <class Real, int Parts>
void GridWalk<Real, Parts>::gather(const SortedPoints<Real>& points, const Real* grid,
                                   Real* c) const {
  const auto size = static_cast<Index>(points.points.size());
  cpu_->parallel_for((size + kTask - 1) / kTask, [&](Index task) {
    Real sorted[Parts * kRun];
    for (Index begin = task * kTask; begin < std::min(size, (task + 1) * kTask); begin += kRun) {
      const Index count = std::min(kRun, size - begin);
      gather_run(points.points.data() + begin, count, grid, sorted);
      const std::uint32_t* order = points.order.data() + begin;
      for (Index i = 0; i < count; ++i)
        for (int part = 0; part < Parts; ++part)
          c[Parts * static_cast<Index>(order[i]) + part] = sorted[Parts * i + part];
    }
  });
}

template <class Real, int Parts>
Run<Real> GridWalk<Real, Parts>::run_of(const Point<Real>* points, Index count) const {
  return {points, count, window_.data(), last_.data(), shape_.plane, shape_.row};
}

template <class Real, int Parts>
void GridWalk<Real, Parts>::gather_run(const Point<Real>* points, Index count, const Real* grid,
                                       Real* c) const {
  gather_(run_of(points, count), grid, c);
}

template class GridWalk<float, 1>;
template class GridWalk<float, 2>;
template class GridWalk<double, 1>;
template class GridWalk<double, 2>;

}  // namespace unfold::nufft
