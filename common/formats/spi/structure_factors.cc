#include "common/formats/spi/structure_factors.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace unfold::spi_data {
namespace {

constexpr std::size_t kPixelBlock = 64;  // sums of a block stay in the first-level cache
constexpr std::size_t kAtomBlock = 64;   // as many terms are summed in float, the rest in double

/// Taylor's coefficients of sin(pi x) / x and cos(pi x) in x^2; |x| <= 1/2.
constexpr float kSine[] = {3.14159265f,   -5.16771278f,  2.55016404f,
                           -0.599264529f, 0.0821458866f, -0.00737043095f};
constexpr float kCosine[] = {1.0f,         -4.93480220f,   4.05871213f,   -1.33526277f,
                             0.235330631f, -0.0258068914f, 0.00192957431f};

template <std::size_t N>
inline float polynomial(const float (&c)[N], float x) {
  float sum = c[N - 1];
  for (std::size_t i = N - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

/// Sums of up to kPixelBlock pixels, real and imaginary parts.
struct Sums {
  double real[kPixelBlock];
  double imaginary[kPixelBlock];
};

struct PixelBlock {
  double x[kPixelBlock];
  double y[kPixelBlock];
  double z[kPixelBlock];
};

/// sums += weight exp(2 pi i q.r) over atoms [count, 3]. Turns are cut to -1/2 .. 1/2 by adding and
/// taking off 1.5 x 2^52, which rounds; sine and cosine of a whole turn come from those of a half.
void add_atoms(const double* position, const float* weight, std::size_t count,
               const PixelBlock& block, Sums& sums) {
  constexpr double kRound = 6755399441055744.0;
  float real[kPixelBlock] = {};
  float imaginary[kPixelBlock] = {};
  for (std::size_t a = 0; a < count; ++a) {
    const double rx = position[3 * a];
    const double ry = position[3 * a + 1];
    const double rz = position[3 * a + 2];
    const float w = weight[a];
    for (std::size_t p = 0; p < kPixelBlock; ++p) {
      const double turns = block.x[p] * rx + block.y[p] * ry + block.z[p] * rz;
      const auto x = static_cast<float>(turns - ((turns + kRound) - kRound));
      const float square = x * x;
      const float sine = x * polynomial(kSine, square);
      const float cosine = polynomial(kCosine, square);
      real[p] += w * (1 - 2 * sine * sine);
      imaginary[p] += w * (2 * sine * cosine);
    }
  }
  for (std::size_t p = 0; p < kPixelBlock; ++p) {
    sums.real[p] += static_cast<double>(real[p]);
    sums.imaginary[p] += static_cast<double>(imaginary[p]);
  }
}

/// Pixels of q [P, 3] from `first`; what is beyond the end is 0.
PixelBlock block_of(std::span<const double> q, std::size_t first) {
  PixelBlock block{};
  const std::size_t count = std::min(kPixelBlock, q.size() / 3 - first);
  for (std::size_t p = 0; p < count; ++p) {
    block.x[p] = q[3 * (first + p)];
    block.y[p] = q[3 * (first + p) + 1];
    block.z[p] = q[3 * (first + p) + 2];
  }
  return block;
}

}  // namespace

StructureFactors::StructureFactors(const Molecule& molecule, const Scattering& scattering)
    : scattering_(scattering) {
  std::map<int, Kind> kinds;
  for (const Atom& atom : molecule.atoms) {
    Kind& kind = kinds[atom.number];
    kind.element = atom.number;
    kind.position.insert(kind.position.end(), atom.position.begin(), atom.position.end());
    kind.weight.push_back(scattering.use_occupancy ? static_cast<float>(atom.occupancy) : 1.0f);
  }
  for (auto& [element, kind] : kinds) kinds_.push_back(std::move(kind));
}

std::vector<float> StructureFactors::factors(std::span<const double> q) const {
  const std::size_t pixels = q.size() / 3;
  std::vector<float> out(kinds_.size() * pixels);
  for (std::size_t e = 0; e < kinds_.size(); ++e) {
    for (std::size_t p = 0; p < pixels; ++p) {
      const double square =
          q[3 * p] * q[3 * p] + q[3 * p + 1] * q[3 * p + 1] + q[3 * p + 2] * q[3 * p + 2];
      const double f = form_factor(scattering_.form_factors, kinds_[e].element, std::sqrt(square));
      out[e * pixels + p] = static_cast<float>(f * std::exp(-scattering_.b_factor * square / 4));
    }
  }
  return out;
}

void StructureFactors::amplitudes(std::span<const double> q, std::span<const float> factors,
                                  std::span<std::complex<float>> out) const {
  const std::size_t pixels = q.size() / 3;
  for (std::size_t first = 0; first < pixels; first += kPixelBlock) {
    const PixelBlock block = block_of(q, first);
    const std::size_t count = std::min(kPixelBlock, pixels - first);
    Sums total{};
    for (std::size_t e = 0; e < kinds_.size(); ++e) {
      const Kind& kind = kinds_[e];
      Sums sums{};
      for (std::size_t a = 0; a < kind.weight.size(); a += kAtomBlock) {
        add_atoms(&kind.position[3 * a], &kind.weight[a],
                  std::min(kAtomBlock, kind.weight.size() - a), block, sums);
      }
      for (std::size_t p = 0; p < count; ++p) {
        const auto f = static_cast<double>(factors[e * pixels + first + p]);
        total.real[p] += f * sums.real[p];
        total.imaginary[p] += f * sums.imaginary[p];
      }
    }
    for (std::size_t p = 0; p < count; ++p)
      out[first + p] = {static_cast<float>(total.real[p]), static_cast<float>(total.imaginary[p])};
  }
}

void StructureFactors::amplitudes(std::span<const double> q,
                                  std::span<std::complex<float>> out) const {
  amplitudes(q, factors(q), out);
}

std::vector<double> grid_modes(std::int64_t grid, double qmax) {
  const double step = 2 * qmax / static_cast<double>(grid);
  std::vector<double> out;
  out.reserve(static_cast<std::size_t>(3 * grid * grid * grid));
  const auto at = [&](std::int64_t i) { return static_cast<double>(i - grid / 2) * step; };
  for (std::int64_t i = 0; i < grid; ++i)
    for (std::int64_t j = 0; j < grid; ++j)
      for (std::int64_t k = 0; k < grid; ++k) out.insert(out.end(), {at(i), at(j), at(k)});
  return out;
}

std::vector<double> density_of(std::int64_t grid, std::span<const std::complex<float>> modes) {
  const auto m = static_cast<std::size_t>(grid);
  std::vector<std::complex<double>> turn(m);  // exp(-2 pi i k / M)
  for (std::size_t k = 0; k < m; ++k)
    turn[k] =
        std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(m));
  const std::size_t half = m / 2;
  std::vector<std::complex<double>> volume(modes.begin(), modes.end());
  std::vector<std::complex<double>> line(m);
  for (std::size_t stride : {m * m, m, std::size_t{1}}) {  // one axis after the other
    for (std::size_t start = 0; start < m * m * m; ++start) {
      if (start / stride % m != 0) continue;
      for (std::size_t n = 0; n < m; ++n) {
        line[n] = 0;
        for (std::size_t k = 0; k < m; ++k)  // (k - half) (n - half) mod M
          line[n] += volume[start + k * stride] * turn[(k + m - half) * (n + m - half) % m];
      }
      for (std::size_t n = 0; n < m; ++n) volume[start + n * stride] = line[n];
    }
  }
  std::vector<double> density(volume.size());
  const double scale = 1 / static_cast<double>(volume.size());
  for (std::size_t i = 0; i < volume.size(); ++i) density[i] = volume[i].real() * scale;
  return density;
}

}  // namespace unfold::spi_data
