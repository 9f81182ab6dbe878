#include "workers/kernels/spi/best_shift.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace unfold::spi {
namespace {

/// exp(2 pi i k t / M) for k = -M / 2 .. M / 2, at [k + M / 2].
std::vector<std::complex<double>> phases_along(Index grid, double t) {
  std::vector<std::complex<double>> out;
  for (Index k = -(grid / 2); k <= grid / 2; ++k) {
    out.push_back(std::polar(
        1.0, 2 * std::numbers::pi * static_cast<double>(k) * t / static_cast<double>(grid)));
  }
  return out;
}

double agreement_at(const Shells& shells, std::span<const std::complex<double>> cross,
                    const std::array<double, 3>& t) {
  const Index half = shells.grid() / 2;
  std::vector<std::complex<double>> phase[3];
  for (std::size_t d = 0; d < 3; ++d) phase[d] = phases_along(shells.grid(), t[d]);
  double sum = 0;
  for (Index p = 0; p < shells.size(); ++p) {
    std::complex<double> turn = cross[static_cast<std::size_t>(p)];
    for (std::size_t d = 0; d < 3; ++d) {
      turn *= phase[d][static_cast<std::size_t>(shells.mode(p).k[d] + half)];
    }
    sum += turn.real();
  }
  return sum;
}

std::array<double, 3> best_voxel(const Shells& shells,
                                 std::span<const std::complex<double>> cross) {
  const Index m = shells.grid();
  std::vector<std::complex<double>> spectrum(static_cast<std::size_t>(m * m * m));
  for (Index p = 0; p < shells.size(); ++p) {
    spectrum[static_cast<std::size_t>(shells.place(p))] = cross[static_cast<std::size_t>(p)];
    spectrum[static_cast<std::size_t>(shells.mirror(p))] =
        std::conj(cross[static_cast<std::size_t>(p)]);
  }
  const std::vector<double> map = volume_of(m, spectrum);
  const Index at = std::max_element(map.begin(), map.end()) - map.begin();
  const Index voxel[] = {at / (m * m), at / m % m, at % m};
  std::array<double, 3> t{};
  for (std::size_t d = 0; d < 3; ++d) t[d] = static_cast<double>(voxel[d] - m / 2);
  return t;
}

}  // namespace

ShiftFound best_shift(const Shells& shells, std::span<const std::complex<double>> cross,
                      double precision) {
  ShiftFound best{best_voxel(shells, cross), 0};
  best.agreement = agreement_at(shells, cross, best.shift);
  for (double step = 0.5; step > precision; step /= 2) {
    for (bool moved = true; moved;) {
      moved = false;
      for (int move = 0; move < 6; ++move) {
        std::array<double, 3> t = best.shift;
        t[static_cast<std::size_t>(move / 2)] += move % 2 == 0 ? step : -step;
        const double agreement = agreement_at(shells, cross, t);
        if (agreement > best.agreement) {
          best = {t, agreement};
          moved = true;
        }
      }
    }
  }
  return best;
}

}  // namespace unfold::spi
