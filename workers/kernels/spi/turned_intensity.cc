#include "workers/kernels/spi/turned_intensity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace unfold::spi {
namespace {

Index stride_for(Index grid, Index first, Index last, Index most) {
  return std::max<Index>(1, (Shells(grid, first, last).size() + most - 1) / most);
}

}  // namespace

TurnedIntensity::TurnedIntensity(Index grid, std::span<const double> fixed, Index first_shell,
                                 Index last_shell, Index most)
    : shells_(grid, first_shell, last_shell, stride_for(grid, first_shell, last_shell, most)) {
  const auto spectrum = spectrum_of(grid, fixed);
  const double radians = 2 * std::numbers::pi / static_cast<double>(grid);
  for (Index p = 0; p < shells_.size(); ++p) {
    for (const std::int32_t k : shells_.mode(p).k) {
      base_.push_back(static_cast<float>(radians * k));
    }
    fixed_.push_back(spectrum[static_cast<std::size_t>(shells_.place(p))].real());
  }
  standardise(fixed_);
  for (const double v : fixed_) weight_ += v * v;
}

void TurnedIntensity::standardise(std::span<double> values) const {
  subtract_radial(shells_, values);
  for (Index s = shells_.first_shell(); s < shells_.end_shell(); ++s) {
    const auto n = static_cast<std::size_t>(shells_.end(s) - shells_.begin(s));
    const auto shell = values.subspan(static_cast<std::size_t>(shells_.begin(s)), n);
    double power = 0;
    for (const double v : shell) power += v * v;
    // A shell without structure tells nothing.
    // Half the weight at twice the radius: high shells are the most, and the noisiest.
    const double weight = static_cast<double>(n) / static_cast<double>(std::max<Index>(s, 1));
    const double scale = power > 0 ? std::sqrt(weight / power) : 0;
    for (double& v : shell) v *= scale;
  }
}

double TurnedIntensity::agreement(const nufft::CosineGrid<float>& turned,
                                  const Quaternion& rotation) const {
  const Matrix3 r = matrix_of(rotation);
  float turn[9];
  for (std::size_t i = 0; i < 9; ++i) turn[i] = static_cast<float>(r[i]);
  std::vector<float> value(fixed_.size());
  turned.rotated(turn, nufft::View<const float, 2>(base_.data(), shells_.size(), 3), value.data());
  std::vector<double> standard(value.begin(), value.end());
  standardise(standard);
  double sum = 0;
  for (std::size_t p = 0; p < standard.size(); ++p) sum += fixed_[p] * standard[p];
  return weight_ > 0 ? sum / weight_ : 0;
}

}  // namespace unfold::spi
