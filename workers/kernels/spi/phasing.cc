#include "workers/kernels/spi/phasing.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <mutex>
#include <stdexcept>

#include "workers/kernels/spi/phase_box.h"
#include "workers/kernels/spi/phase_functors.h"
#include "workers/kernels/spi/phase_problem.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

using Real = PhaseProblem::Real;
using Complex = std::complex<Real>;
using nufft::FftBuffer;

/// One start on its way: owns its buffers.
class Iteration {
 public:
  Iteration(const PhaseProblem& problem, const PhaseStart& start, const PhaseSchedule& schedule)
      : problem_(problem),
        schedule_(schedule),
        density_(problem.voxels()),
        image_(problem.voxels()),
        spectrum_(problem.modes()),
        support_(at(problem.voxels())) {
    begin(problem, start, density_, support_);
  }

  void error_reduction(int times) {
    for (int i = 0; i < times; ++i) {
      project();
      run(ErrorReduction<Real>{volume()}, problem_.voxels());
    }
  }

  void escape(int times, double beta_now) {
    const auto beta = static_cast<Real>(beta_now);
    for (int i = 0; i < times; ++i) {
      project();
      if (schedule_.raar) {
        run(RelaxedReflections<Real>{volume(), beta}, problem_.voxels());
      } else {
        run(HybridInputOutput<Real>{volume(), beta}, problem_.voxels());
      }
    }
  }

  /// Support: where the blurred density exceeds a multiple of its standard deviation in a box of
  /// M^3 (so that the threshold does not depend on the box that is iterated in).
  void shrinkwrap() {
    std::transform(density_.begin(), density_.end(), image_.begin(),
                   [](Real x) { return std::abs(x); });
    blur<Real>(problem_.box, schedule_.shrink_sigma, image_);
    double sum = 0, square = 0;
    for (const Real x : image_) {
      sum += static_cast<double>(x);
      square += static_cast<double>(x) * static_cast<double>(x);
    }
    const Index grid = problem_.grid;
    const Real limit = shrink_limit<Real>(sum, square, grid * grid * grid, schedule_.shrink_weight);
    std::transform(image_.begin(), image_.end(), support_.begin(),
                   [limit](Real x) { return static_cast<std::uint8_t>(x > limit ? 1 : 0); });
  }

  std::span<const Real> density() const { return density_; }
  std::span<const std::uint8_t> support() const { return support_; }

  double fourier_error() {
    problem_.fft.forward(density_.data(), spectrum_.data());
    const AmplitudeMisfit<Real> misfit{
        {problem_.amplitude.data(), problem_.modes()}, spectrum(), problem_.box};
    double difference = 0, norm = 0;
    for (Index k = 0; k < problem_.modes(); ++k) misfit(k, difference, norm);
    return norm > 0 ? std::sqrt(difference / norm) : 0;
  }

 private:
  template <class Functor>
  static void run(const Functor& functor, Index n) {
    for (Index i = 0; i < n; ++i) functor(i);
  }

  View<Real, 2> spectrum() {
    return {reinterpret_cast<Real*>(spectrum_.data()), problem_.modes(), Index{2}};
  }

  PhaseVolume<Real> volume() {
    const Index n = problem_.voxels();
    return {{image_.data(), n},
            {support_.data(), n},
            {density_.data(), n},
            Real(1) / static_cast<Real>(n)};
  }

  /// image = L^3 times the density with the measured amplitudes.
  void project() {
    problem_.fft.forward(density_.data(), spectrum_.data());
    run(ReplaceModulus<Real>{{problem_.amplitude.data(), problem_.modes()}, spectrum()},
        problem_.modes());
    problem_.fft.backward(spectrum_.data(), image_.data());
  }

  const PhaseProblem& problem_;
  const PhaseSchedule& schedule_;
  FftBuffer<Real> density_, image_;  // density_ is the iterate; image_ also serves as scratch
  FftBuffer<Complex> spectrum_;
  std::vector<std::uint8_t> support_;
};

void check(Index grid, std::span<const double> autocorrelation, std::span<const std::uint8_t> known,
           std::span<const PhaseStart> starts) {
  const std::size_t voxels = at(grid * grid * grid);
  const auto wrong = [&](std::size_t size) { return size != 0 && size != voxels; };
  bool bad = grid < 3 || autocorrelation.size() != voxels || wrong(known.size());
  for (const PhaseStart& start : starts) {
    bad = bad || wrong(start.support.size()) || wrong(start.density.size());
  }
  if (bad) throw std::invalid_argument("volumes do not fit the grid (sizes differ) [give M^3]");
}

/// All starts at once, elsewhere.
std::vector<PhaseResult> phase_on(PhaseDevice& device, const PhaseProblem& problem,
                                  std::span<const double> autocorrelation,
                                  std::span<const PhaseStart> starts, const PhaseSchedule& schedule,
                                  const std::function<bool()>& goes_on) {
  const std::size_t voxels = at(problem.voxels());
  std::vector<Real> density(starts.size() * voxels);
  std::vector<std::uint8_t> support(starts.size() * voxels);
  std::vector<double> fourier_error(starts.size());
  const auto densities = [&](std::size_t s) {
    return std::span(density).subspan(s * voxels, voxels);
  };
  const auto supports = [&](std::size_t s) {
    return std::span(support).subspan(s * voxels, voxels);
  };
  for (std::size_t s = 0; s < starts.size(); ++s) {
    begin(problem, starts[s], densities(s), supports(s));
  }
  const std::vector<Real> taps = gaussian_taps<Real>(problem.box, schedule.shrink_sigma);
  device.iterate(
      {problem.grid, problem.box, problem.amplitude, taps, density, support, fourier_error},
      schedule, goes_on);
  const nufft::RealFft<double> whole({problem.grid, problem.grid, problem.grid});
  std::vector<PhaseResult> results;
  for (std::size_t s = 0; s < starts.size(); ++s) {
    results.push_back(
        finish(problem, whole, autocorrelation, densities(s), supports(s), fourier_error[s]));
  }
  return results;
}

}  // namespace

std::vector<std::uint8_t> known_amplitudes(Index grid, double qmin, double qmax) {
  std::vector<std::uint8_t> out;
  out.reserve(at(grid * grid * grid));
  const double step = 2 * qmax / static_cast<double>(grid);
  const Index reach = grid / 2;
  const auto square = [&](Index n) { return (n - reach) * (n - reach); };
  for (Index i = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k) {
        const Index radius = square(i) + square(j) + square(k);
        const bool measured = std::sqrt(static_cast<double>(radius)) * step >= qmin;
        out.push_back(measured && radius <= reach * reach ? 1 : 0);
      }
    }
  }
  return out;
}

double best_multiple(std::span<const double> model, std::span<const double> merged) {
  double product = 0, square = 0, size = 0;
  for (std::size_t n = 0; n < model.size(); ++n) {
    product += model[n] * merged[n];
    square += model[n] * model[n];
    size += merged[n] * merged[n];
  }
  if (!(square > 0)) return 0;
  return product > 0 ? product / square : std::sqrt(size / square);
}

std::vector<PhaseResult> phase(compute::Cpu& cpu, Index grid,
                               std::span<const double> autocorrelation,
                               std::span<const std::uint8_t> known,
                               std::span<const PhaseStart> starts, const PhaseSchedule& schedule,
                               const std::function<bool()>& cancelled, PhaseDevice* device) {
  check(grid, autocorrelation, known, starts);
  const PhaseProblem problem = make_phase_problem(grid, autocorrelation, known, schedule.blur);
  std::mutex asking;
  bool stop = false;
  const auto goes_on = [&] {
    const std::lock_guard lock(asking);
    stop = stop || (cancelled && cancelled());
    return !stop;
  };
  if (device != nullptr) {
    return phase_on(*device, problem, autocorrelation, starts, schedule, goes_on);
  }
  const nufft::RealFft<double> whole({grid, grid, grid});
  std::vector<PhaseResult> results(starts.size());
  cpu.parallel_for(static_cast<Index>(starts.size()), [&](Index s) {
    Iteration iteration(problem, starts[at(s)], schedule);
    follow(schedule, iteration, goes_on);
    const double error = iteration.fourier_error();
    results[at(s)] =
        finish(problem, whole, autocorrelation, iteration.density(), iteration.support(), error);
  });
  return results;
}

}  // namespace unfold::spi
