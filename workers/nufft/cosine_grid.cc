#include <algorithm>
#include <numbers>
#include <stdexcept>

#include "workers/nufft/checks.h"
#include "workers/nufft/dispatch.h"
#include "workers/nufft/fine_fft.h"
#include "workers/nufft/grid_walk.h"

namespace unfold::nufft {
namespace {

/// Points that share one look at the grid: their records stay near.
constexpr Index kRun = 256;

/// A grid is read by very many points: spend on it what makes their windows small.
constexpr Index kPoints = 100'000'000;

}  // namespace

template <class Real>
struct CosineGrid<Real>::State {
  compute::Cpu* cpu;
  Shape shape;
  Window window;
  GridWalk<Real, 1> walk;
  CosineFine<Real> fine;
  FftBuffer<Real> grid;
  void (*turn)(const Turn<Real>&, Point<Real>*);

  State(compute::Cpu& device, const Modes& modes, const Options& options)
      : cpu(&device),
        shape(choose_shape(modes, options, {true, sizeof(Real) == 4, kPoints})),
        window(shape.width, shape.upsampling),
        walk(device, shape, window, options.isa),
        fine(device, shape, window),
        grid(shape.cells),
        turn(kernels_of<Real>(kernels(options.isa)).turn) {}
};

template <class Real>
CosineGrid<Real>::CosineGrid(compute::Cpu& cpu, const Modes& modes, const Options& options) {
  check_options<Real>(modes, options);
  state_ = std::make_unique<State>(cpu, modes, options);
}

template <class Real>
CosineGrid<Real>::~CosineGrid() = default;
template <class Real>
CosineGrid<Real>::CosineGrid(CosineGrid&&) noexcept = default;
template <class Real>
CosineGrid<Real>& CosineGrid<Real>::operator=(CosineGrid&&) noexcept = default;

template <class Real>
void CosineGrid<Real>::set(View<const Real, 3> f) {
  for (std::size_t d = 0; d < 3; ++d)
    if (f.extent[d] != state_->shape.modes[d])
      throw std::invalid_argument(
          "modes of another shape than the grid's (they differ on an axis) [make a grid of "
          "theirs]");
  state_->fine.to_grid(f.data, state_->grid.data());
}

template <class Real>
void CosineGrid<Real>::rotated(std::span<const Real, 9> rotation, View<const Real, 2> base,
                               Real* out) const {
  const Shape& shape = state_->shape;
  Turn<Real> task{nullptr,     0,         {},         {shape.n[0], shape.n[1], shape.n[2]},
                  shape.plane, shape.row, shape.width};
  for (std::size_t i = 0; i < 9; ++i)
    task.rotation[i] =
        static_cast<Real>(static_cast<double>(rotation[i]) * static_cast<double>(shape.n[i % 3]) /
                          (2 * std::numbers::pi));
  Point<Real> points[kRun];
  for (Index begin = 0; begin < base.extent[0]; begin += kRun) {
    task.base = base.data + 3 * begin;
    task.count = std::min(kRun, base.extent[0] - begin);
    state_->turn(task, points);
    state_->walk.gather_run(points, task.count, state_->grid.data(), out + begin);
  }
}

template <class Real>
FineGrid<Real> CosineGrid<Real>::fine() const {
  const Shape& shape = state_->shape;
  return {state_->grid.data(),
          shape.cells,
          shape.n,
          shape.plane,
          shape.row,
          shape.width,
          state_->window.template coefficients<Real>(1, 0, shape.width)};
}

template class CosineGrid<float>;
template class CosineGrid<double>;

}  // namespace unfold::nufft
