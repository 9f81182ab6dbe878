#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "workers/compute/random.h"
#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/translation.h"

/// A small object to phase, and what was found of it.
namespace unfold::test::phasing {

using spi::Index;
using spi::PhaseDevice;
using spi::PhaseResult;
using spi::PhaseSchedule;
using spi::PhaseStart;

inline constexpr Index kGrid = 21, kVoxels = kGrid * kGrid * kGrid;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// A few blobs in the central half of the grid, without symmetry; moved by `by` voxels, and turned
/// over where `inverted`.
inline std::vector<double> blobs(double by = 0, bool inverted = false) {
  std::vector<double> out;
  for (Index n = 0; n < kVoxels; ++n) {
    const Index place[] = {n / kGrid / kGrid, n / kGrid % kGrid, n % kGrid};
    double sum = 0;
    for (std::uint64_t b = 0; b < 6; ++b) {
      compute::Random random(11, 0, b);
      double square = 0;
      const double weight = 0.5 + random.uniform();
      for (const Index x : place) {
        const double centre = 6.0 * (random.uniform() - 0.5);
        const double from = static_cast<double>(x - kGrid / 2) - by;
        const double d = (inverted ? -from : from) - centre;
        square += d * d;
      }
      sum += weight * std::exp(-square / 2.2);
    }
    out.push_back(sum);
  }
  return out;
}

struct Object {
  std::vector<double> density = blobs();
  nufft::RealFft<double> fft{{kGrid, kGrid, kGrid}};
  std::vector<double> autocorrelation = correlate();
  compute::Cpu cpu{2};

  /// Term by term: a_n = sum_m rho_m rho_{m + n}, |n| <= M / 2.
  std::vector<double> correlate() const {
    std::vector<double> out(at(kVoxels), 0.0);
    const Index c = kGrid / 2;
    for (Index m = 0; m < kVoxels; ++m) {
      if (density[at(m)] < 1e-6) continue;
      for (Index n = 0; n < kVoxels; ++n) {
        const Index i = n / kGrid / kGrid - m / kGrid / kGrid + c;
        const Index j = n / kGrid % kGrid - m / kGrid % kGrid + c, k = n % kGrid - m % kGrid + c;
        if (std::min({i, j, k}) < 0 || std::max({i, j, k}) >= kGrid) continue;
        out[at((i * kGrid + j) * kGrid + k)] += density[at(m)] * density[at(n)];
      }
    }
    return out;
  }
  double correlation(std::span<const double> other) const {
    return spi::DensityModes(kGrid, fft, density)
        .onto_this(spi::DensityModes(kGrid, fft, other))
        .correlation;
  }
  std::vector<PhaseResult> phase(std::span<const PhaseStart> starts, const PhaseSchedule& schedule,
                                 std::span<const std::uint8_t> known = {}, int threads = 2,
                                 PhaseDevice* device = nullptr) const {
    compute::Cpu threaded(threads);
    return spi::phase(threaded, kGrid, autocorrelation, known, starts, schedule, {}, device);
  }
  static std::vector<PhaseStart> fresh(int count) {
    std::vector<PhaseStart> out(at(count));
    for (int s = 0; s < count; ++s) out[at(s)].seed = static_cast<std::uint64_t>(s) + 1;
    return out;
  }
};

inline PhaseSchedule sharp() {
  PhaseSchedule schedule;
  schedule.blur = 0;
  return schedule;
}

}  // namespace unfold::test::phasing
