#include "workers/kernels/spi/phasing.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <mutex>
#include <stdexcept>

#include "workers/compute/random.h"
#include "workers/kernels/spi/phase_box.h"
#include "workers/kernels/spi/phase_functors.h"
#include "workers/nufft/fft.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Amplitudes need no more digits than this: results agree with double to 1e-4.
using Real = float;
using Complex = std::complex<Real>;
using Fft = nufft::RealFft<Real>;
using nufft::FftBuffer;

/// What all starts share.
struct Problem {
  Index grid, box;
  Fft fft;
  std::vector<Real> amplitude;        ///< [box^2 (box / 2 + 1)]; -1 where not known
  std::vector<std::uint8_t> support;  ///< [M^3], centred, of a fresh start

  Index voxels() const { return box * box * box; }
  Index modes() const { return box * box * (box / 2 + 1); }
};

/// What the amplitudes are made of, centred [M^3]. Negative values stay: where the beamstop hides
/// the strongest modes, a pedestal is missing, and cutting at 0 would bend every amplitude.
std::vector<double> smoothed(Index grid, std::span<const double> autocorrelation, double sigma) {
  std::vector<double> out(autocorrelation.begin(), autocorrelation.end());
  blur<double>(grid, sigma, out);
  return out;
}

/// The central half box where the autocorrelation exceeds 1 % of its largest value.
std::vector<std::uint8_t> fresh_support(Index grid, std::span<const double> autocorrelation) {
  const double limit = 0.01 * *std::max_element(autocorrelation.begin(), autocorrelation.end());
  const Index quarter = (grid - 1) / 4;
  const auto inside = [&](Index n) { return n >= quarter && n < grid - quarter; };
  std::vector<std::uint8_t> out(autocorrelation.size(), 0);
  for (Index i = 0, n = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k, ++n) {
        const bool kept = inside(i) && inside(j) && inside(k) && autocorrelation[at(n)] > limit;
        out[at(n)] = kept ? 1 : 0;
      }
    }
  }
  return out;
}

/// `known` [M^3] at the mode of the box that lies nearest; the zero frequency is not.
std::vector<std::uint8_t> known_in_box(Index grid, Index box, std::span<const std::uint8_t> known) {
  const Index half = box / 2 + 1;
  std::vector<std::uint8_t> out(at(box * box * half), 1);
  const auto nearest = [&](Index k) {
    const Index mode = 2 * k < box ? k : k - box;
    const double place = static_cast<double>(mode * grid) / static_cast<double>(box);
    return static_cast<Index>(std::lround(place)) + grid / 2;
  };
  const auto beyond = [&](Index n) { return n < 0 || n >= grid; };
  for (Index i = 0, n = 0; i < box && !known.empty(); ++i) {
    for (Index j = 0; j < box; ++j) {
      for (Index k = 0; k < half; ++k, ++n) {
        const Index a = nearest(i), b = nearest(j), c = nearest(k);
        const bool out_of_grid = beyond(a) || beyond(b) || beyond(c);
        out[at(n)] = out_of_grid ? 0 : known[at((a * grid + b) * grid + c)];
      }
    }
  }
  out[0] = 0;
  return out;
}

Problem make_problem(Index grid, std::span<const double> autocorrelation,
                     std::span<const std::uint8_t> known, double sigma) {
  const Index box = phasing_box(grid);
  const std::vector<double> smooth = smoothed(grid, autocorrelation, sigma);
  Problem out{grid, box, Fft({box, box, box}), {}, fresh_support(grid, smooth)};
  FftBuffer<Real> wrapped(out.voxels());
  wrap_into<Real>(grid, smooth, box, wrapped);
  FftBuffer<Complex> intensity(out.modes());
  out.fft.forward(wrapped.data(), intensity.data());
  const std::vector<std::uint8_t> is_known = known_in_box(grid, box, known);
  for (Index k = 0; k < out.modes(); ++k) {
    // Noise makes intensities negative; their modulus would be taken for signal.
    const Real amplitude = std::sqrt(std::max(intensity[k].real(), Real(0)));
    out.amplitude.push_back(is_known[at(k)] != 0 ? amplitude : Real(-1));
  }
  return out;
}

/// One start on its way: owns its buffers.
class Iteration {
 public:
  Iteration(const Problem& problem, const PhaseStart& start, const PhaseSchedule& schedule)
      : problem_(problem),
        schedule_(schedule),
        density_(problem.voxels()),
        image_(problem.voxels()),
        spectrum_(problem.modes()),
        support_(at(problem.voxels())) {
    const std::vector<std::uint8_t>& support =
        start.support.empty() ? problem.support : start.support;
    const std::vector<double> inside(support.begin(), support.end());
    wrap_into<Real>(problem.grid, inside, problem.box, image_);
    std::transform(image_.begin(), image_.end(), support_.begin(),
                   [](Real x) { return static_cast<std::uint8_t>(x > 0 ? 1 : 0); });
    std::vector<double> density = start.density;
    if (density.empty()) {
      compute::Random random(start.seed, 0, 0);
      for (const double weight : inside) density.push_back(weight * random.uniform());
    }
    wrap_into<Real>(problem.grid, density, problem.box, density_);
  }

  void error_reduction(int times) {
    for (int i = 0; i < times; ++i) {
      project();
      run(ErrorReduction<Real>{volume()}, problem_.voxels());
    }
  }

  void escape(int times, double part) {
    const auto beta =
        static_cast<Real>(schedule_.beta + part * (schedule_.beta_last - schedule_.beta));
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
    const auto voxels = static_cast<double>(problem_.grid * problem_.grid * problem_.grid);
    const double deviation = std::sqrt(std::max(square / voxels - sum * sum / voxels / voxels, 0.));
    const auto limit = static_cast<Real>(schedule_.shrink_weight * deviation);
    std::transform(image_.begin(), image_.end(), support_.begin(),
                   [limit](Real x) { return static_cast<std::uint8_t>(x > limit ? 1 : 0); });
  }

  PhaseResult result() {
    PhaseResult out;
    out.fourier_error = fourier_error();
    const Index box = problem_.box, grid = problem_.grid;
    const std::array<Index, 3> shift = centring_shift<Real>(box, density_);
    out.density = unwrap_from<Real>(box, turned<Real>(box, density_, shift), grid);
    const std::vector<std::uint8_t> support = turned<std::uint8_t>(box, support_, shift);
    const std::vector<Real> inside(support.begin(), support.end());
    for (const double x : unwrap_from<Real>(box, inside, grid)) {
      out.support.push_back(x > 0 ? 1 : 0);
    }
    return out;
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

  double fourier_error() {
    problem_.fft.forward(density_.data(), spectrum_.data());
    const Index half = problem_.box / 2 + 1;
    double difference = 0, norm = 0;
    for (Index k = 0; k < problem_.modes(); ++k) {
      const auto a = static_cast<double>(problem_.amplitude[at(k)]);
      if (a < 0) continue;
      // All modes but those of the first and the middle plane stand for two.
      const Index column = k % half;
      const double times = column == 0 || 2 * column == problem_.box ? 1 : 2;
      const double d = static_cast<double>(std::abs(spectrum_[k])) - a;
      difference += times * d * d;
      norm += times * a * a;
    }
    return norm > 0 ? std::sqrt(difference / norm) : 0;
  }

  const Problem& problem_;
  const PhaseSchedule& schedule_;
  FftBuffer<Real> density_, image_;  // density_ is the iterate; image_ also serves as scratch
  FftBuffer<Complex> spectrum_;
  std::vector<std::uint8_t> support_;
};

/// Autocorrelation of the density, scaled by best_multiple(), and the density by its root.
void add_autocorrelation(const nufft::RealFft<double>& fft, Index grid,
                         std::span<const double> merged, PhaseResult& result) {
  FftBuffer<double> wrapped(grid * grid * grid);
  wrap_into<double>(grid, result.density, grid, wrapped);
  FftBuffer<std::complex<double>> spectrum(fft.half_size());
  fft.forward(wrapped.data(), spectrum.data());
  for (std::complex<double>& f : spectrum) f = std::norm(f);
  fft.backward(spectrum.data(), wrapped.data());
  result.autocorrelation = unwrap_from<double>(grid, wrapped, grid);
  const double scale = best_multiple(result.autocorrelation, merged);
  for (double& a : result.autocorrelation) a *= scale;
  const double voxels = static_cast<double>(grid * grid * grid);
  for (double& d : result.density) d *= std::sqrt(scale * voxels);
}

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
                               const std::function<bool()>& cancelled) {
  check(grid, autocorrelation, known, starts);
  const Problem problem = make_problem(grid, autocorrelation, known, schedule.blur);
  const nufft::RealFft<double> whole({grid, grid, grid});
  std::mutex asking;
  bool stop = false;
  const auto goes_on = [&] {
    const std::lock_guard lock(asking);
    stop = stop || (cancelled && cancelled());
    return !stop;
  };
  std::vector<PhaseResult> results(starts.size());
  cpu.parallel_for(static_cast<Index>(starts.size()), [&](Index s) {
    Iteration iteration(problem, starts[at(s)], schedule);
    for (int loop = 0; loop < schedule.loops && goes_on(); ++loop) {
      iteration.error_reduction(schedule.er);
      iteration.escape(schedule.escape, loop / std::max(1.0, schedule.loops - 1.0));
      iteration.error_reduction(schedule.er);
      iteration.shrinkwrap();
    }
    iteration.error_reduction(schedule.er);
    results[at(s)] = iteration.result();
    add_autocorrelation(whole, grid, autocorrelation, results[at(s)]);
  });
  return results;
}

}  // namespace unfold::spi
