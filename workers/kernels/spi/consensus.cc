#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/translation.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// By shell of known modes: |sum of F| over starts to the sum of |F|.
std::vector<double> phase_retrieval_transfer(Index grid, const std::vector<DensityModes>& starts,
                                             std::span<const std::uint8_t> known) {
  std::vector<double> joint(at(grid / 2 + 1), 0.0), single(at(grid / 2 + 1), 0.0);
  const auto& modes = starts.front().modes();
  for (std::size_t i = 0; i < modes.size(); ++i) {
    const auto& k = modes[i].k;
    const Index c = grid / 2;
    const Index place = ((k[0] + c) * grid + k[1] + c) * grid + k[2] + c;
    if (!known.empty() && known[at(place)] == 0) continue;
    std::complex<double> sum = 0;
    double moduli = 0;
    for (const DensityModes& start : starts) {
      sum += start.modes()[i].value;
      moduli += std::abs(start.modes()[i].value);
    }
    const double radius = std::sqrt(static_cast<double>(k[0] * k[0] + k[1] * k[1] + k[2] * k[2]));
    const auto shell = static_cast<std::size_t>(std::lround(radius));
    joint[shell] += modes[i].times * std::abs(sum);
    single[shell] += modes[i].times * moduli;
  }
  for (std::size_t s = 0; s < joint.size(); ++s) {
    joint[s] = single[s] > 0 ? joint[s] / single[s] : 0;
  }
  return joint;
}

}  // namespace

Consensus consensus(compute::Cpu& cpu, Index grid, std::span<const PhaseResult> results,
                    std::span<const std::uint8_t> known) {
  if (results.empty()) throw std::invalid_argument("no phasing result (none given) [give one]");
  const nufft::RealFft<double> fft({grid, grid, grid});
  const auto best = std::min_element(results.begin(), results.end(), [](auto& a, auto& b) {
    return a.fourier_error < b.fourier_error;
  });
  const DensityModes reference(grid, fft, best->density);
  std::vector<DensityModes> starts(results.size(), reference);
  cpu.parallel_for(static_cast<Index>(results.size()), [&](Index s) {
    starts[at(s)] = DensityModes(grid, fft, results[at(s)].density);
    starts[at(s)].apply(reference.onto_this(starts[at(s)]));
  });
  DensityModes mean = reference;
  const double weight = 1.0 / static_cast<double>(starts.size());
  for (std::size_t i = 0; i < mean.modes().size(); ++i) {
    std::complex<double> sum = 0;
    for (const DensityModes& start : starts) sum += start.modes()[i].value;
    mean.modes()[i].value = weight * sum;
  }
  std::vector<double> agreement(starts.size());
  cpu.parallel_for(static_cast<Index>(starts.size()),
                   [&](Index s) { agreement[at(s)] = mean.onto_this(starts[at(s)]).correlation; });
  const auto middle = agreement.begin() + static_cast<Index>(agreement.size() / 2);
  std::nth_element(agreement.begin(), middle, agreement.end());
  return {mean.density(), phase_retrieval_transfer(grid, starts, known), *middle};
}

}  // namespace unfold::spi
