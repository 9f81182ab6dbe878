#include "workers/kernels/spi/final_map.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/halves.h"
#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/spectrum.h"

namespace unfold::spi {
namespace {

constexpr Index kFramesCounted = 4096;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<std::uint8_t> moved_support(compute::Cpu& cpu, Index grid,
                                        std::span<const std::uint8_t> support,
                                        const Alignment& alignment) {
  const std::vector<double> soft =
      apply(cpu, grid, std::vector<double>(support.begin(), support.end()), alignment);
  std::vector<std::uint8_t> out;
  for (const double v : soft) out.push_back(v > 0.5 ? 1 : 0);
  return out;
}

Map phased_map(compute::Cpu& cpu, std::span<const double> autocorrelation,
               const MapOptions& options, const std::function<bool()>& cancelled) {
  std::vector<PhaseStart> starts(at(options.starts));
  for (std::size_t s = 0; s < starts.size(); ++s) {
    starts[s].seed = seed_of_part(options.seed, s);
  }
  const auto device = options.fourier_device ? options.fourier_device->phasing() : nullptr;
  const auto results = phase(cpu, options.grid, autocorrelation, options.known, starts,
                             PhaseSchedule{}, cancelled, device.get());
  if (cancelled && cancelled()) throw Cancelled();
  const auto best = std::min_element(
      results.begin(), results.end(),
      [](const PhaseResult& a, const PhaseResult& b) { return a.fourier_error < b.fourier_error; });
  Consensus mean = consensus(cpu, options.grid, results, options.known);
  Map map;
  map.density = std::move(mean.density);
  map.prtf = std::move(mean.prtf);
  map.phasing_agreement = mean.agreement;
  map.support = best->support;
  map.autocorrelation.assign(autocorrelation.begin(), autocorrelation.end());
  for (const std::complex<double>& f : spectrum_of(options.grid, autocorrelation)) {
    map.intensity.push_back(f.real());
  }
  return map;
}

int half_starts(int starts) { return std::max(4, starts / 2); }

void compare_halves(compute::Cpu& cpu, std::span<const double> first,
                    std::span<const double> second, const Alignment& onto_first, double qmax,
                    const MapOptions& options, const std::function<bool()>& cancelled, Map& map) {
  const Index grid = options.grid;
  map.half_intensity_correlation =
      intensity_shell_correlation(cpu, grid, first, apply(cpu, grid, second, onto_first));
  map.intensity_resolution =
      resolution_of(map.half_intensity_correlation, qmax, grid, kResolvedAbove);

  MapOptions half = options;
  half.starts = half_starts(options.starts);
  std::vector<std::uint8_t> support[2];
  for (std::size_t h = 0; h < 2; ++h) {
    half.seed = seed_of_part(options.seed, 1000 + h);
    const Map phased = phased_map(cpu, h == 0 ? first : second, half, cancelled);
    const Alignment onto = align_densities(cpu, grid, map.density, phased.density);
    map.half_density[h] = apply(cpu, grid, phased.density, onto);
    support[h] = moved_support(cpu, grid, phased.support, onto);
  }
  // Each half lies on the map, which shares their frames; on each other they are laid directly.
  const Alignment between = align_densities(cpu, grid, map.half_density[0], map.half_density[1]);
  map.half_density[1] = apply(cpu, grid, map.half_density[1], between);
  support[1] = moved_support(cpu, grid, support[1], between);
  map.half_correlation = shell_correlation(cpu, grid, map.half_density[0], map.half_density[1]);
  map.half_correlation_corrected = corrected_correlation(
      cpu, grid, map.half_density[0], map.half_density[1], support[0], support[1]);
  map.resolution = resolution_of(map.half_correlation_corrected, qmax, grid, kResolvedAbove);
}

std::vector<double> measured_weight(Index grid, const Detector& detector,
                                    std::span<const Quaternion> orientation,
                                    std::span<const double> fluence,
                                    std::span<const std::uint8_t> skip) {
  std::vector<double> out(at(grid * grid * grid), 0.0);
  const auto n = static_cast<Index>(orientation.size());
  const Index step = std::max<Index>(1, (n + kFramesCounted - 1) / kFramesCounted);
  const double modes = static_cast<double>(grid) / (2 * detector.qmax);
  for (Index i = 0; i < n; i += step) {
    if (skip[at(i)] != 0) continue;
    const Matrix3 r = matrix_of(orientation[at(i)]);
    const double weight = fluence[at(i)] * static_cast<double>(step);
    for (Index p = 0; p < detector.pixels(); ++p) {
      if (detector.mask[at(p)] == PixelClass::kBad) continue;
      const double* q = &detector.q[3 * at(p)];
      Index place = 0, mirror = 0;
      bool inside = true;
      for (std::size_t d = 0; d < 3; ++d) {
        const double k = modes * (r[d] * q[0] + r[3 + d] * q[1] + r[6 + d] * q[2]);
        const auto nearest = static_cast<Index>(std::lround(k));
        inside = inside && std::abs(nearest) <= (grid - 1) / 2;
        place = place * grid + nearest + grid / 2;
        mirror = mirror * grid - nearest + grid / 2;
      }
      if (!inside) continue;
      out[at(place)] += weight;
      out[at(mirror)] += weight;
    }
  }
  return out;
}

}  // namespace unfold::spi
