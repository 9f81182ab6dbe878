#include "workers/kernels/spi/spectrum.h"

#include "workers/nufft/fft.h"

namespace unfold::spi {
namespace {

using Complex = std::complex<double>;

/// out[(i + by) mod M] = in[i] in each dimension.
template <class In, class Out>
void roll(Index m, Index by, const In* in, Out* out) {
  for (Index x = 0; x < m; ++x) {
    for (Index y = 0; y < m; ++y) {
      const In* row = in + (x * m + y) * m;
      Out* to = out + ((x + by) % m * m + (y + by) % m) * m;
      for (Index z = 0; z < m; ++z) to[(z + by) % m] = row[z];
    }
  }
}

}  // namespace

std::vector<Complex> spectrum_of(Index grid, std::span<const double> volume) {
  const nufft::ComplexFft<double> fft({grid, grid, grid});
  nufft::FftBuffer<Complex> work(grid * grid * grid);
  roll(grid, grid - grid / 2, volume.data(), work.data());
  fft.forward(work.data());
  std::vector<Complex> out(volume.size());
  roll(grid, grid / 2, work.data(), out.data());
  return out;
}

std::vector<double> volume_of(Index grid, std::span<const Complex> spectrum) {
  const nufft::ComplexFft<double> fft({grid, grid, grid});
  nufft::FftBuffer<Complex> work(grid * grid * grid);
  roll(grid, grid - grid / 2, spectrum.data(), work.data());
  fft.backward(work.data());
  std::vector<Complex> turned(spectrum.size());
  roll(grid, grid / 2, work.data(), turned.data());
  std::vector<double> out;
  out.reserve(turned.size());
  const double scale = 1 / static_cast<double>(turned.size());
  for (const Complex& v : turned) out.push_back(v.real() * scale);
  return out;
}

}  // namespace unfold::spi
