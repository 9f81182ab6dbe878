#include "workers/kernels/spi/translation.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "workers/kernels/spi/phase_box.h"

namespace unfold::spi {
namespace {

using Complex = std::complex<double>;
using nufft::FftBuffer;
using Vector3 = std::array<double, 3>;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// exp(2 pi i k t / M) for k = -M / 2 .. M / 2 on one axis.
class Ramp {
 public:
  Ramp(Index grid, const Vector3& shift) : half_(grid / 2) {
    const double step = 2 * std::numbers::pi / static_cast<double>(grid);
    for (int axis = 0; axis < 3; ++axis) {
      for (Index k = -half_; k <= half_; ++k) {
        table_[axis].push_back(
            std::polar(1.0, step * static_cast<double>(k) * shift[static_cast<std::size_t>(axis)]));
      }
    }
  }
  Complex operator()(const std::array<Index, 3>& k) const {
    return table_[0][at(k[0] + half_)] * table_[1][at(k[1] + half_)] * table_[2][at(k[2] + half_)];
  }

 private:
  Index half_;
  std::vector<Complex> table_[3];
};

/// The cross-correlation of two densities at any shift t: sum_k Re(P_k exp(2 pi i k.t / M)).
struct Peak {
  double value = 0;
  Vector3 slope{};
  double curvature[3][3] = {};
};

Peak look(Index grid, const std::vector<DensityModes::Mode>& product, const Vector3& shift) {
  const Ramp ramp(grid, shift);
  const double step = 2 * std::numbers::pi / static_cast<double>(grid);
  Peak out;
  for (const DensityModes::Mode& mode : product) {
    const Complex p = mode.times * mode.value * ramp(mode.k);
    out.value += p.real();
    for (std::size_t a = 0; a < 3; ++a) {
      const double ka = step * static_cast<double>(mode.k[a]);
      out.slope[a] -= ka * p.imag();
      for (std::size_t b = 0; b < 3; ++b) {
        out.curvature[a][b] -= ka * step * static_cast<double>(mode.k[b]) * p.real();
      }
    }
  }
  return out;
}

/// Newton's step -H^-1 g by Cramer's rule, at most half a voxel long; none where H is singular.
Vector3 newton_step(const Peak& peak) {
  const auto& h = peak.curvature;
  const auto minor = [&](int a, int b) {
    const int i = (a + 1) % 3, j = (a + 2) % 3, k = (b + 1) % 3, l = (b + 2) % 3;
    return h[i][k] * h[j][l] - h[i][l] * h[j][k];
  };
  const double determinant = h[0][0] * minor(0, 0) + h[0][1] * minor(0, 1) + h[0][2] * minor(0, 2);
  Vector3 step{};
  if (!(determinant < 0)) return step;
  double length = 0;
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      step[at(a)] -= minor(b, a) * peak.slope[at(b)] / determinant;
    }
    length += step[at(a)] * step[at(a)];
  }
  const double limit = std::min(1.0, 0.5 / std::sqrt(std::max(length, 1e-300)));
  for (double& s : step) s *= limit;
  return step;
}

/// The best whole voxel, by one backward transform.
Vector3 best_voxel(Index grid, const nufft::RealFft<double>& fft,
                   const std::vector<DensityModes::Mode>& product) {
  FftBuffer<Complex> half(fft.half_size());
  const auto place = [&](Index k) { return k < 0 ? k + grid : k; };
  for (const DensityModes::Mode& mode : product) {
    half[(place(mode.k[0]) * grid + place(mode.k[1])) * (grid / 2 + 1) + mode.k[2]] = mode.value;
  }
  FftBuffer<double> correlation(grid * grid * grid);
  fft.backward(half.data(), correlation.data());
  const Index best = std::max_element(correlation.begin(), correlation.end()) - correlation.begin();
  const auto signed_of = [&](Index n) { return static_cast<double>(2 * n <= grid ? n : n - grid); };
  return {signed_of(best / grid / grid), signed_of(best / grid % grid), signed_of(best % grid)};
}

double energy(const std::vector<DensityModes::Mode>& modes) {
  double sum = 0;
  for (const DensityModes::Mode& mode : modes) {
    const bool zero = mode.k == std::array<Index, 3>{};
    sum += zero ? 0 : mode.times * std::norm(mode.value);
  }
  return sum;
}

}  // namespace

DensityModes::DensityModes(Index grid, const nufft::RealFft<double>& fft,
                           std::span<const double> density)
    : grid_(grid), fft_(&fft) {
  FftBuffer<double> wrapped(grid * grid * grid);
  wrap_into<double>(grid, density, grid, wrapped);
  FftBuffer<Complex> half(fft.half_size());
  fft.forward(wrapped.data(), half.data());
  const Index reach = grid / 2, columns = grid / 2 + 1;
  const auto frequency = [&](Index n) { return 2 * n <= grid ? n : n - grid; };
  for (Index n = 0; n < half.size(); ++n) {
    const std::array<Index, 3> k = {frequency(n / columns / grid), frequency(n / columns % grid),
                                    n % columns};
    if (k[0] * k[0] + k[1] * k[1] + k[2] * k[2] > reach * reach) continue;
    modes_.push_back({k, half[n], k[2] == 0 || 2 * k[2] == grid ? 1.0 : 2.0});
  }
}

Translation DensityModes::onto_this(const DensityModes& other) const {
  Translation best;
  best.correlation = -2;
  const double norm = std::sqrt(energy(modes_) * energy(other.modes_));
  for (const bool inverted : {false, true}) {
    std::vector<Mode> product = modes_;
    for (std::size_t i = 0; i < product.size(); ++i) {
      const Complex b = other.modes_[i].value;
      product[i].value *= inverted ? b : std::conj(b);
      if (product[i].k == std::array<Index, 3>{}) product[i].value = 0;
    }
    Vector3 shift = best_voxel(grid_, *fft_, product);
    for (int i = 0; i < 6; ++i) {
      const Vector3 step = newton_step(look(grid_, product, shift));
      for (std::size_t a = 0; a < 3; ++a) shift[a] += step[a];
    }
    const double correlation = norm > 0 ? look(grid_, product, shift).value / norm : 0;
    if (correlation > best.correlation) best = {shift, inverted, correlation};
  }
  return best;
}

void DensityModes::apply(const Translation& translation) {
  const Ramp ramp(grid_, translation.shift);
  for (Mode& mode : modes_) {
    const Complex value = translation.inverted ? std::conj(mode.value) : mode.value;
    mode.value = value * std::conj(ramp(mode.k));
  }
}

std::vector<double> DensityModes::density() const {
  FftBuffer<Complex> half(fft_->half_size());
  const auto place = [&](Index k) { return k < 0 ? k + grid_ : k; };
  const double scale = 1.0 / static_cast<double>(grid_ * grid_ * grid_);
  for (const Mode& mode : modes_) {
    half[(place(mode.k[0]) * grid_ + place(mode.k[1])) * (grid_ / 2 + 1) + mode.k[2]] =
        scale * mode.value;
  }
  FftBuffer<double> wrapped(grid_ * grid_ * grid_);
  fft_->backward(half.data(), wrapped.data());
  return unwrap_from<double>(grid_, wrapped, grid_);
}

}  // namespace unfold::spi
