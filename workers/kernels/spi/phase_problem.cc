#include "workers/kernels/spi/phase_problem.h"

#include <algorithm>
#include <cmath>
#include <complex>

#include "workers/compute/random.h"
#include "workers/kernels/spi/phase_box.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

using Real = PhaseProblem::Real;
using Complex = std::complex<Real>;
using nufft::FftBuffer;

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

}  // namespace

PhaseProblem make_phase_problem(Index grid, std::span<const double> autocorrelation,
                                std::span<const std::uint8_t> known, double sigma) {
  const Index box = phasing_box(grid);
  const std::vector<double> smooth = smoothed(grid, autocorrelation, sigma);
  PhaseProblem out{
      grid, box, nufft::RealFft<Real>({box, box, box}), {}, fresh_support(grid, smooth)};
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

void begin(const PhaseProblem& problem, const PhaseStart& start, std::span<Real> density,
           std::span<std::uint8_t> support) {
  const std::vector<std::uint8_t>& chosen = start.support.empty() ? problem.support : start.support;
  const std::vector<double> inside(chosen.begin(), chosen.end());
  wrap_into<Real>(problem.grid, inside, problem.box, density);
  std::transform(density.begin(), density.end(), support.begin(),
                 [](Real x) { return static_cast<std::uint8_t>(x > 0 ? 1 : 0); });
  std::vector<double> from = start.density;
  if (from.empty()) {
    compute::Random random(start.seed, 0, 0);
    for (const double weight : inside) from.push_back(weight * random.uniform());
  }
  wrap_into<Real>(problem.grid, from, problem.box, density);
}

PhaseResult finish(const PhaseProblem& problem, const nufft::RealFft<double>& whole,
                   std::span<const double> merged, std::span<const Real> density,
                   std::span<const std::uint8_t> support, double fourier_error) {
  PhaseResult out;
  out.fourier_error = fourier_error;
  const Index box = problem.box, grid = problem.grid;
  const std::array<Index, 3> shift = centring_shift<Real>(box, density);
  out.density = unwrap_from<Real>(box, turned<Real>(box, density, shift), grid);
  const std::vector<std::uint8_t> moved = turned<std::uint8_t>(box, support, shift);
  const std::vector<Real> inside(moved.begin(), moved.end());
  for (const double x : unwrap_from<Real>(box, inside, grid)) out.support.push_back(x > 0 ? 1 : 0);
  add_autocorrelation(whole, grid, merged, out);
  return out;
}

}  // namespace unfold::spi
