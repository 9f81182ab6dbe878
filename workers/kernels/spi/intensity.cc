#include "workers/kernels/spi/intensity.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/nufft/fft.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Rotations first .. last of `merged`, pixel by pixel into their cells.
std::vector<double> counted(Index grid, const Detector& detector, const Merged& merged, Index first,
                            Index last) {
  std::vector<double> out(at(grid * grid * grid), 0.0);
  const double scale = static_cast<double>(grid) / (2 * detector.qmax);
  for (Index j = first; j < last; ++j) {
    const Matrix3 r = matrix_of(merged.rotation[at(j)]);
    for (std::size_t p = 0; p < merged.pixels.size(); ++p) {
      const double* q = detector.q.data() + 3 * static_cast<Index>(merged.pixels[p]);
      Index place = 0;
      for (std::size_t d = 0; d < 3; ++d) {
        const double k = scale * (r[d] * q[0] + r[3 + d] * q[1] + r[6 + d] * q[2]);
        const Index cell = static_cast<Index>(std::lround(k)) + grid / 2;
        place = place * grid + std::clamp<Index>(cell, 0, grid - 1);
      }
      out[at(place)] += merged.weight[at(j)] * merged.pixel_weight[p];
    }
  }
  return out;
}

}  // namespace

std::vector<double> intensity_of(Index grid, std::span<const double> autocorrelation) {
  if (static_cast<Index>(autocorrelation.size()) != grid * grid * grid) {
    throw std::invalid_argument("the autocorrelation does not fit the grid (sizes differ)");
  }
  const auto origin_first = [&](Index n) { return (n + grid - grid / 2) % grid; };
  const nufft::RealFft<double> fft({grid, grid, grid});
  nufft::FftBuffer<double> wrapped(grid * grid * grid);
  const auto place = [&](Index i, Index j, Index k) { return (i * grid + j) * grid + k; };
  for (Index i = 0, n = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k, ++n) {
        wrapped[place(origin_first(i), origin_first(j), origin_first(k))] = autocorrelation[at(n)];
      }
    }
  }
  nufft::FftBuffer<std::complex<double>> half(fft.half_size());
  fft.forward(wrapped.data(), half.data());
  std::vector<double> out(autocorrelation.size());
  const Index columns = grid / 2 + 1;
  for (Index i = 0, n = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k, ++n) {
        const Index a = origin_first(i), b = origin_first(j), c = origin_first(k);
        // The half that is not stored is the conjugate at -k.
        const bool stored = c < columns;
        const Index row = stored ? a * grid + b : (grid - a) % grid * grid + (grid - b) % grid;
        out[at(n)] = half[row * columns + (stored ? c : grid - c)].real();
      }
    }
  }
  return out;
}

std::vector<double> coverage(compute::Cpu& cpu, Index grid, const Detector& detector,
                             const Merged& merged, compute::Communicator& communicator) {
  // As many parts whatever the number of threads: sums stay in one order.
  constexpr Index kParts = 8;
  const auto rotations = static_cast<Index>(merged.rotation.size());
  std::vector<std::vector<double>> parts(at(kParts));
  cpu.parallel_for(kParts, [&](Index part) {
    parts[at(part)] =
        counted(grid, detector, merged, part * rotations / kParts, (part + 1) * rotations / kParts);
  });
  std::vector<double> out(at(grid * grid * grid), 0.0);
  for (const std::vector<double>& part : parts) {
    for (std::size_t n = 0; n < out.size(); ++n) out[n] += part[n];
  }
  communicator.sum(out);
  const double norm = *std::max_element(merged.pixel_weight.begin(), merged.pixel_weight.end());
  for (std::size_t n = 0; 2 * n < out.size(); ++n) {
    const std::size_t mate = out.size() - 1 - n;
    const double both = n == mate ? out[n] : out[n] + out[mate];
    out[n] = out[mate] = both / norm;
  }
  return out;
}

}  // namespace unfold::spi
