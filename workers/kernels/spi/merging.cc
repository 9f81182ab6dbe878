#include "workers/kernels/spi/merging.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "workers/kernels/spi/merge_functors.h"
#include "workers/kernels/spi/normal_equations.h"
#include "workers/kernels/spi/toeplitz.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

double dot(std::span<const double> a, std::span<const double> b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// One solution: S (C + rl + fl Z) S x = S (d + rl x0).
class Solve {
 public:
  Solve(Toeplitz& kernel, std::span<const std::uint8_t> support, double ridge)
      : kernel_(kernel), support_(support.begin(), support.end()), ridge_(ridge) {
    if (support_.empty()) support_.assign(at(voxels()), 1);
  }

  MergeResult run(std::span<const double> right, std::span<const double> x0,
                  const MergeOptions& options) {
    MergeResult out;
    out.autocorrelation.assign(at(voxels()), 0.0);
    std::copy(x0.begin(), x0.end(), out.autocorrelation.begin());
    keep(out.autocorrelation);
    std::vector<double> residual(right.begin(), right.end()), image(at(voxels()));
    for (std::size_t n = 0; n < x0.size(); ++n) residual[n] += ridge_ * x0[n];
    keep(residual);
    const double whole = std::sqrt(dot(residual, residual));
    if (!x0.empty()) {
      apply(out.autocorrelation, image);
      for (std::size_t n = 0; n < image.size(); ++n) residual[n] -= image[n];
    }
    std::vector<double> direction = residual;
    double square = dot(residual, residual);
    while (out.iterations < options.max_iterations &&
           std::sqrt(square) > options.tolerance * whole) {
      apply(direction, image);
      const double curvature = dot(direction, image);
      if (!(curvature > 0)) break;
      step(square / curvature, direction, image, out.autocorrelation, residual);
      const double next = dot(residual, residual);
      turn(next / square, residual, direction);
      square = next;
      ++out.iterations;
    }
    out.residual = whole > 0 ? std::sqrt(square) / whole : 0;
    return out;
  }

 private:
  Index voxels() const { return kernel_.grid() * kernel_.grid() * kernel_.grid(); }
  View<double, 1> view(std::vector<double>& v) const { return {v.data(), voxels()}; }
  View<const double, 1> view(const std::vector<double>& v) const { return {v.data(), voxels()}; }
  template <class Functor>
  void each(const Functor& functor) const {
    for (Index n = 0; n < voxels(); ++n) functor(n);
  }

  void keep(std::vector<double>& x) const {
    for (std::size_t n = 0; n < x.size(); ++n) x[n] = support_[n] != 0 ? x[n] : 0.0;
  }
  void apply(const std::vector<double>& x, std::vector<double>& out) const {
    kernel_.apply(x, out);
    each(KeepInside{ridge_, view(x), {support_.data(), voxels()}, view(out)});
  }
  void step(double length, const std::vector<double>& direction, const std::vector<double>& image,
            std::vector<double>& x, std::vector<double>& residual) const {
    each(GradientStep{length, view(direction), view(image), view(x), view(residual)});
  }
  void turn(double ratio, const std::vector<double>& residual,
            std::vector<double>& direction) const {
    each(NextDirection{ratio, view(residual), view(direction)});
  }

  Toeplitz& kernel_;
  std::vector<std::uint8_t> support_;
  double ridge_;
};

void check(const Merged& merged, const Detector& detector) {
  const std::size_t values = merged.rotation.size() * merged.pixels.size();
  const bool fits =
      merged.weight.size() == merged.rotation.size() &&
      merged.pixel_weight.size() == merged.pixels.size() && merged.value.size() == values &&
      std::all_of(merged.pixels.begin(), merged.pixels.end(),
                  [&](std::uint32_t p) { return static_cast<Index>(p) < detector.pixels(); });
  if (!fits) throw std::invalid_argument("summed frames contradict themselves (sizes differ)");
}

}  // namespace

struct Merger::State {
  State(compute::Cpu& cpu, Index grid, const Detector& geometry, compute::Communicator& gang,
        MergeDevice* other)
      : detector(geometry),
        communicator(gang),
        device(other),
        sums(cpu, grid, geometry, other),
        beyond(anti_support_lags(grid)),
        kernel(grid) {}

  const Detector& detector;
  compute::Communicator& communicator;
  MergeDevice* device;  ///< or null
  NormalSums sums;
  NormalEquations equations;
  std::vector<double> beyond;  ///< Z
  Toeplitz kernel;
};

Merger::Merger(compute::Cpu& cpu, Index grid, const Detector& detector,
               compute::Communicator& communicator, MergeDevice* device)
    : state_(std::make_unique<State>(cpu, grid, detector, communicator, device)) {}

Merger::~Merger() = default;

MergeResult Merger::solve(const Merged& merged, std::span<const double> x0,
                          std::span<const std::uint8_t> support, const MergeOptions& options) {
  check(merged, state_->detector);
  state_->equations = state_->sums(merged, options.nufft_tolerance, state_->communicator);
  return solve_again(x0, support, options);
}

MergeResult Merger::solve_again(std::span<const double> x0, std::span<const std::uint8_t> support,
                                const MergeOptions& options) {
  const std::vector<double>& right = state_->equations.right;
  if (right.empty()) throw std::invalid_argument("nothing merged yet [solve() first]");
  const auto wrong = [&](std::size_t size) { return size != 0 && size != right.size(); };
  if (wrong(x0.size()) || wrong(support.size())) {
    throw std::invalid_argument("volumes do not fit the grid (sizes differ) [give M^3]");
  }
  std::vector<double> lags = state_->equations.lags;
  for (std::size_t n = 0; n < lags.size(); ++n) {
    lags[n] += options.anti_support * state_->beyond[n];
  }
  if (state_->device != nullptr) {
    MergeResult out;
    out.autocorrelation.resize(right.size());
    const SolveEnd end = state_->device->solve(
        lags, right, x0, support, {options.ridge, options.tolerance, options.max_iterations},
        out.autocorrelation);
    out.iterations = end.iterations;
    out.residual = end.residual;
    return out;
  }
  state_->kernel.set(lags);
  return Solve(state_->kernel, support, options.ridge).run(right, x0, options);
}

ChosenMerge Merger::choose(const Merged& kept, const Merged& held_out, std::span<const double> x0,
                           std::span<const std::uint8_t> support, const MergeOptions& options,
                           std::span<const Penalties> penalties) {
  if (penalties.empty()) throw std::invalid_argument("no penalties to choose from [give one]");
  check(kept, state_->detector);
  check(held_out, state_->detector);
  State& state = *state_;
  const auto equations_of = [&](const Merged& merged) {
    return state.sums(merged, options.nufft_tolerance, state.communicator);
  };
  const NormalEquations aside = equations_of(held_out);
  state.equations = equations_of(kept);
  const auto with = [&](const Penalties& p) {
    MergeOptions out = options;
    out.ridge = p.ridge;
    out.anti_support = p.anti_support;
    return out;
  };
  ChosenMerge out;
  std::vector<double> image(aside.right.size());
  for (const Penalties& p : penalties) {
    const std::vector<double> x = solve_again(x0, support, with(p)).autocorrelation;
    state.kernel.set(aside.lags);
    state.kernel.apply(x, image);
    out.misfit.push_back(dot(x, image) - 2 * dot(x, aside.right));
  }
  out.chosen = static_cast<std::size_t>(std::min_element(out.misfit.begin(), out.misfit.end()) -
                                        out.misfit.begin());
  state.equations = together(state.equations, aside);
  out.merged = solve_again(x0, support, with(penalties[out.chosen]));
  return out;
}

}  // namespace unfold::spi
