#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "workers/nufft/checks.h"
#include "workers/nufft/fine_fft.h"
#include "workers/nufft/grid_walk.h"
#include "workers/nufft/points.h"

namespace unfold::nufft {
namespace {

/// One kind of transform (complex or cosine): its shape, window, points and grid, made when first
/// asked for.
template <class Real, int Parts>
struct Stage {
  using Fine = std::conditional_t<Parts == 2, ComplexFine<Real>, CosineFine<Real>>;
  using Cell = std::conditional_t<Parts == 2, std::complex<Real>, Real>;

  Shape shape;
  Window window;
  GridWalk<Real, Parts> walk;
  Fine fine;
  SortedPoints<Real> points;
  FftBuffer<Cell> grid;

  Stage(compute::Cpu& cpu, const Modes& modes, const Options& options, View<const Real, 2> x)
      : shape(choose_shape(modes, options, {Parts == 1, sizeof(Real) == 4, x.extent[0]})),
        window(shape.width, shape.upsampling),
        walk(cpu, shape, window, options.isa),
        fine(cpu, shape, window),
        points(cpu, shape, x, options.isa),
        grid(shape.cells) {}
};

void check_size(Index given, Index wanted, const char* what) {
  if (given == wanted) return;
  std::string problem = what;
  problem += " of ";
  problem += std::to_string(given) + " elements (the plan has " + std::to_string(wanted);
  throw std::invalid_argument(problem + ") [pass arrays of the plan's size]");
}

}  // namespace

template <class Real>
struct Plan<Real>::State {
  compute::Cpu* cpu;
  Modes modes;
  Options options;
  std::vector<Real> x;  ///< as set, [P, 3]
  std::optional<Stage<Real, 2>> complex;
  std::optional<Stage<Real, 1>> cosine;

  Index points() const { return static_cast<Index>(x.size()) / 3; }
  Index size() const { return modes[0] * modes[1] * modes[2]; }

  template <int Parts>
  Stage<Real, Parts>& stage() {
    auto& made = [this]() -> auto& {
      if constexpr (Parts == 2)
        return complex;
      else
        return cosine;
    }
    ();
    if (!made) made.emplace(*cpu, modes, options, View<const Real, 2>(x.data(), points(), 3));
    return *made;
  }

  void check(Index c, Index f) const {
    check_size(c, points(), "NUFFT values");
    check_size(f, size(), "NUFFT modes");
  }
};

template <class Real>
Plan<Real>::Plan(compute::Cpu& cpu, const Modes& modes, const Options& options)
    : state_(std::make_unique<State>(State{&cpu, modes, options, {}, {}, {}})) {
  check_options<Real>(modes, options);
  choose_shape(modes, options, {.single = sizeof(Real) == 4});  // refuses now what no window holds
}

template <class Real>
Plan<Real>::~Plan() = default;
template <class Real>
Plan<Real>::Plan(Plan&&) noexcept = default;
template <class Real>
Plan<Real>& Plan<Real>::operator=(Plan&&) noexcept = default;

template <class Real>
Index Plan<Real>::points() const {
  return state_->points();
}

template <class Real>
void Plan<Real>::set_points(View<const Real, 2> points) {
  state_->complex.reset();
  state_->cosine.reset();
  check_points(points);
  state_->x.assign(points.data, points.data + points.size());
}

template <class Real>
void Plan<Real>::type1(View<const std::complex<Real>, 1> c, View<std::complex<Real>, 3> f,
                       int sign) {
  state_->check(c.size(), f.size());
  auto& stage = state_->template stage<2>();
  stage.walk.spread(stage.points, reinterpret_cast<const Real*>(c.data),
                    reinterpret_cast<Real*>(stage.grid.data()));
  stage.fine.to_modes(stage.grid.data(), f.data, sign);
}

template <class Real>
void Plan<Real>::type2(View<const std::complex<Real>, 3> f, View<std::complex<Real>, 1> c,
                       int sign) {
  state_->check(c.size(), f.size());
  auto& stage = state_->template stage<2>();
  stage.fine.to_grid(f.data, stage.grid.data(), sign);
  stage.walk.gather(stage.points, reinterpret_cast<const Real*>(stage.grid.data()),
                    reinterpret_cast<Real*>(c.data));
}

template <class Real>
void Plan<Real>::cosine1(View<const Real, 1> c, View<Real, 3> f) {
  state_->check(c.size(), f.size());
  auto& stage = state_->template stage<1>();
  stage.walk.spread(stage.points, c.data, stage.grid.data());
  stage.fine.to_modes(stage.grid.data(), f.data);
}

template <class Real>
void Plan<Real>::cosine2(View<const Real, 3> f, View<Real, 1> c) {
  state_->check(c.size(), f.size());
  auto& stage = state_->template stage<1>();
  stage.fine.to_grid(f.data, stage.grid.data());
  stage.walk.gather(stage.points, stage.grid.data(), c.data);
}

template class Plan<float>;
template class Plan<double>;

}  // namespace unfold::nufft
