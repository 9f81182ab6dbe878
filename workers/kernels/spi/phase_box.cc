#include "workers/kernels/spi/phase_box.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "workers/kernels/spi/phase_functors.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Index modulo(Index i, Index n) { return ((i % n) + n) % n; }

/// Visits the lines of one dimension of a cube: body(first, stride).
template <class Body>
void each_line(Index box, int axis, const Body& body) {
  const Index stride[] = {box * box, box, 1};
  const Index along = stride[axis], a = stride[axis == 0 ? 1 : 0], b = stride[axis == 2 ? 1 : 2];
  for (Index i = 0; i < box; ++i) {
    for (Index j = 0; j < box; ++j) body(i * a + j * b, along);
  }
}

}  // namespace

Index phasing_box(Index grid) {
  // Sizes that FFTW transforms fastest among their neighbours.
  constexpr Index kFast[] = {8, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256};
  for (const Index box : kFast) {
    if (100 * box >= 78 * grid) return box;
  }
  return grid;
}

template <class Real>
void wrap_into(Index grid, std::span<const double> volume, Index box, std::span<Real> out) {
  std::fill(out.begin(), out.end(), Real(0));
  std::vector<Index> place(at(grid));
  for (Index n = 0; n < grid; ++n) place[at(n)] = modulo(n - grid / 2, box);
  for (Index i = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      const double* in = volume.data() + (i * grid + j) * grid;
      Real* row = out.data() + (place[at(i)] * box + place[at(j)]) * box;
      for (Index k = 0; k < grid; ++k) row[place[at(k)]] += static_cast<Real>(in[k]);
    }
  }
}

template <class Real>
std::vector<double> unwrap_from(Index box, std::span<const Real> values, Index grid) {
  std::vector<double> out(at(grid * grid * grid), 0.0);
  const auto outside = [&](Index n) { return 2 * std::abs(n - grid / 2) >= box; };
  const auto place = [&](Index n) { return modulo(n - grid / 2, box); };
  for (Index i = 0; i < grid; ++i) {
    for (Index j = 0; j < grid; ++j) {
      for (Index k = 0; k < grid; ++k) {
        if (outside(i) || outside(j) || outside(k)) continue;
        out[at((i * grid + j) * grid + k)] =
            static_cast<double>(values[at((place(i) * box + place(j)) * box + place(k))]);
      }
    }
  }
  return out;
}

template <class Real>
std::vector<Real> gaussian_taps(Index box, double sigma) {
  const Index radius = std::min(static_cast<Index>(2 * sigma + 0.5), (box - 1) / 2);
  std::vector<Real> tap(at(radius + 1));
  double sum = 0;
  for (Index d = 0; d <= radius; ++d) {
    const double x = d == 0 ? 0 : static_cast<double>(d) / sigma;
    tap[at(d)] = static_cast<Real>(std::exp(-x * x / 2));
    sum += (d == 0 ? 1 : 2) * std::exp(-x * x / 2);
  }
  for (Real& t : tap) t = static_cast<Real>(static_cast<double>(t) / sum);
  return tap;
}

template <class Real>
void blur(Index box, double sigma, std::span<Real> values) {
  const std::vector<Real> tap = gaussian_taps<Real>(box, sigma);
  const Index radius = static_cast<Index>(tap.size()) - 1;
  if (radius == 0) return;
  std::vector<Real> line(at(box + 2 * radius));
  for (int axis = 0; axis < 3; ++axis) {
    each_line(box, axis, [&](Index first, Index stride) {
      for (Index n = -radius; n < box + radius; ++n) {
        line[at(n + radius)] = values[at(first + modulo(n, box) * stride)];
      }
      for (Index n = 0; n < box; ++n) {
        const Real* here = line.data() + n + radius;
        values[at(first + n * stride)] =
            blurred_by(tap.data(), radius, [here](Index d) { return here[d]; });
      }
    });
  }
}

template <class Real>
std::array<Index, 3> centring_shift(Index box, std::span<const Real> density) {
  std::array<Index, 3> shift{};
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> profile(at(box), 0.0);
    each_line(box, axis, [&](Index first, Index stride) {
      for (Index n = 0; n < box; ++n) {
        profile[at(n)] += std::abs(static_cast<double>(density[at(first + n * stride)]));
      }
    });
    std::complex<double> moment = 0;
    const double step = 2 * std::numbers::pi / static_cast<double>(box);
    for (Index n = 0; n < box; ++n) {
      moment += profile[at(n)] * std::polar(1.0, step * static_cast<double>(n));
    }
    shift[at(axis)] = -static_cast<Index>(std::lround(std::arg(moment) / step));
  }
  return shift;
}

template <class T>
std::vector<T> turned(Index box, std::span<const T> values, const std::array<Index, 3>& shift) {
  std::vector<T> out(values.size());
  for (Index i = 0; i < box; ++i) {
    for (Index j = 0; j < box; ++j) {
      const Index row = (modulo(i + shift[0], box) * box + modulo(j + shift[1], box)) * box;
      for (Index k = 0; k < box; ++k) {
        out[at(row + modulo(k + shift[2], box))] = values[at((i * box + j) * box + k)];
      }
    }
  }
  return out;
}

template void wrap_into(Index, std::span<const double>, Index, std::span<float>);
template void wrap_into(Index, std::span<const double>, Index, std::span<double>);
template std::vector<double> unwrap_from(Index, std::span<const float>, Index);
template std::vector<double> unwrap_from(Index, std::span<const double>, Index);
template std::vector<float> gaussian_taps(Index, double);
template std::vector<double> gaussian_taps(Index, double);
template void blur(Index, double, std::span<float>);
template void blur(Index, double, std::span<double>);
template std::array<Index, 3> centring_shift(Index, std::span<const float>);
template std::array<Index, 3> centring_shift(Index, std::span<const double>);
template std::vector<float> turned(Index, std::span<const float>, const std::array<Index, 3>&);
template std::vector<double> turned(Index, std::span<const double>, const std::array<Index, 3>&);
template std::vector<std::uint8_t> turned(Index, std::span<const std::uint8_t>,
                                          const std::array<Index, 3>&);

}  // namespace unfold::spi
