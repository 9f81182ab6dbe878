#include <algorithm>
#include <numbers>
#include <stdexcept>

#include "workers/nufft/checks.h"
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

  State(compute::Cpu& device, const Modes& modes, const Options& options)
      : cpu(&device),
        shape(choose_shape(modes, options, {true, sizeof(Real) == 4, kPoints})),
        window(shape.width, shape.upsampling),
        walk(device, shape, window, options.isa),
        fine(device, shape, window),
        grid(shape.cells) {}

  /// x = R^T base, on the grid.
  Point<Real> place(const Real* base, const Real* rotation) const {
    Point<Real> point{};
    const Index stride[3] = {shape.plane, shape.row, 1};
    Index offset = 0;
    for (int d = 0; d < 3; ++d) {
      const Real x = base[0] * rotation[d] + base[1] * rotation[3 + d] + base[2] * rotation[6 + d];
      const Index n = shape.n[static_cast<std::size_t>(d)];
      const auto [start, y] = Locate{static_cast<double>(n) / (2 * std::numbers::pi), n,
                                     shape.width}(static_cast<double>(x));
      point.y[d] = static_cast<Real>(y);
      offset += start * stride[d];
    }
    point.offset = static_cast<std::uint32_t>(offset);
    return point;
  }
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
  Point<Real> points[kRun];
  for (Index begin = 0; begin < base.extent[0]; begin += kRun) {
    const Index count = std::min(kRun, base.extent[0] - begin);
    for (Index i = 0; i < count; ++i)
      points[i] = state_->place(base.data + 3 * (begin + i), rotation.data());
    state_->walk.gather_run(points, count, state_->grid.data(), out + begin);
  }
}

template class CosineGrid<float>;
template class CosineGrid<double>;

}  // namespace unfold::nufft
