#include "workers/kernels/spi/toeplitz.h"

#include <algorithm>

#include "workers/nufft/smooth.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Index cube(Index n) { return n * n * n; }

}  // namespace

Toeplitz::Toeplitz(Index grid)
    : grid_(grid),
      box_(nufft::next_smooth(2 * grid - 1)),
      fft_({box_, box_, box_}),
      padded_(cube(box_)),
      half_(fft_.half_size()),
      spectrum_(at(fft_.half_size())) {}

void Toeplitz::set(std::span<const double> lags) {
  const Index width = 2 * grid_ - 1, centre = grid_ - 1;
  std::fill(padded_.begin(), padded_.end(), 0.0);
  const auto place = [&](Index n) { return n < centre ? n - centre + box_ : n - centre; };
  for (Index i = 0, n = 0; i < width; ++i) {
    for (Index j = 0; j < width; ++j) {
      for (Index k = 0; k < width; ++k, ++n) {
        padded_[(place(i) * box_ + place(j)) * box_ + place(k)] = lags[at(n)];
      }
    }
  }
  fft_.forward(padded_.data(), half_.data());
  const double scale = 1.0 / static_cast<double>(cube(box_));
  for (Index k = 0; k < half_.size(); ++k) spectrum_[at(k)] = scale * half_[k].real();
}

void Toeplitz::apply(std::span<const double> x, std::span<double> out) {
  std::fill(padded_.begin(), padded_.end(), 0.0);
  const auto row = [&](Index i, Index j) { return padded_.data() + (i * box_ + j) * box_; };
  for (Index i = 0; i < grid_; ++i) {
    for (Index j = 0; j < grid_; ++j) {
      std::copy_n(x.data() + (i * grid_ + j) * grid_, grid_, row(i, j));
    }
  }
  fft_.forward(padded_.data(), half_.data());
  for (Index k = 0; k < half_.size(); ++k) half_[k] *= spectrum_[at(k)];
  fft_.backward(half_.data(), padded_.data());
  for (Index i = 0; i < grid_; ++i) {
    for (Index j = 0; j < grid_; ++j) {
      std::copy_n(row(i, j), grid_, out.data() + (i * grid_ + j) * grid_);
    }
  }
}

std::vector<double> anti_support_lags(Index grid) {
  const nufft::RealFft<double> fft({grid, grid, grid});
  nufft::FftBuffer<std::complex<double>> half(fft.half_size());
  const auto frequency = [&](Index n) { return 2 * n <= grid ? n : n - grid; };
  const Index columns = grid / 2 + 1, reach = grid / 2;
  for (Index n = 0; n < half.size(); ++n) {
    const Index a = frequency(n / columns / grid), b = frequency(n / columns % grid);
    const Index c = n % columns;
    const bool beyond = a * a + b * b + c * c > reach * reach;
    half[n] = beyond ? 1.0 / static_cast<double>(cube(grid)) : 0.0;
  }
  nufft::FftBuffer<double> kernel(cube(grid));
  fft.backward(half.data(), kernel.data());
  const Index width = 2 * grid - 1;
  std::vector<double> lags(at(cube(width)));
  const auto place = [&](Index n) { return (n + 1) % grid; };  // lag n - (M - 1), modulo M
  for (Index i = 0, n = 0; i < width; ++i) {
    for (Index j = 0; j < width; ++j) {
      for (Index k = 0; k < width; ++k, ++n) {
        lags[at(n)] = kernel[(place(i) * grid + place(j)) * grid + place(k)];
      }
    }
  }
  return lags;
}

}  // namespace unfold::spi
