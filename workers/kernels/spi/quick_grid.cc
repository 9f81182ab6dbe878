#include "workers/kernels/spi/quick_grid.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "workers/nufft/smooth.h"

namespace unfold::spi {
namespace {

constexpr double kPi = std::numbers::pi;
/// Modes beyond which a grid four times as fine would leave the caches.
constexpr Index kManyModes = 50;

/// What straight lines make of mode k, undone: (pi k / n / sin(pi k / n))^2.
double sharpening(Index k, Index n) {
  if (k == 0) return 1;
  const double phase = kPi * static_cast<double>(k) / static_cast<double>(n);
  return std::pow(phase / std::sin(phase), 2);
}

std::uint16_t upper_half(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace

QuickGrid::QuickGrid(Index modes, compute::Isa isa)
    : modes_(modes),
      n_(nufft::next_smooth((modes > kManyModes ? 3 : 4) * modes)),
      side_(n_ + 3),
      kernel_(kernels(isa).quick),
      transform_({n_, n_, n_}) {}

void QuickGrid::set(View<const double, 3> a) {
  const Index middle = modes_ / 2;
  const Index half = n_ / 2 + 1;
  nufft::FftBuffer<std::complex<float>> waves(n_ * n_ * half);
  nufft::FftBuffer<float> values(n_ * n_ * n_);
  std::vector<double> sharp;
  for (Index k = -middle; k < modes_ - middle; ++k) sharp.push_back(sharpening(k, n_));
  const auto around = [&](Index k) { return (k + n_) % n_; };
  std::size_t place = 0;
  for (Index i = 0; i < modes_; ++i)
    for (Index j = 0; j < modes_; ++j)
      for (Index k = 0; k < modes_; ++k, ++place) {
        const double value = a.data[place] * sharp[static_cast<std::size_t>(i)] *
                             sharp[static_cast<std::size_t>(j)] *
                             sharp[static_cast<std::size_t>(k)];
        // The cosine's two waves, of which those with k < 0 go without saying.
        const Index u = i - middle, v = j - middle, w = k - middle;
        if (w >= 0) waves[(around(u) * n_ + around(v)) * half + w] += static_cast<float>(value / 2);
        if (w <= 0)
          waves[(around(-u) * n_ + around(-v)) * half - w] += static_cast<float>(value / 2);
      }
  transform_.backward(waves.data(), values.data());
  cells_.resize(static_cast<std::size_t>(side_ * side_ * side_));
  const auto cell = [&](Index t) { return (t - 1 - n_ / 2 + n_) % n_; };
  std::uint16_t* to = cells_.data();
  for (Index i = 0; i < side_; ++i)
    for (Index j = 0; j < side_; ++j)
      for (Index k = 0; k < side_; ++k)
        *to++ = upper_half(values[(cell(i) * n_ + cell(j)) * n_ + cell(k)]);
}

void QuickGrid::cut(const float* rotation, Index size, const float* axes, const float* correction,
                    float* out) const {
  QuickTask task{.size = size,
                 .axes = axes,
                 .rotation = {},
                 .middle = static_cast<float>(n_ / 2 + 1),
                 .grid = cells_.data(),
                 .row = static_cast<int>(side_),
                 .plane = static_cast<int>(side_ * side_),
                 .correction = correction,
                 .out = out};
  const auto scale = static_cast<float>(static_cast<double>(n_) / (2 * kPi));
  for (int d = 0; d < 9; ++d) task.rotation[d] = rotation[d] * scale;
  kernel_(task);
}

}  // namespace unfold::spi
