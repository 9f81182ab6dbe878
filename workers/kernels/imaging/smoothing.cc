#include "workers/kernels/imaging/smoothing.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/imaging/data_term.h"

namespace unfold::imaging {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kCutSigmas = 4;

}  // namespace

Smoothing::Smoothing(const SkyGeometry& sky, double fwhm_deg)
    : energies_(sky.energies), energy_fastest_(sky.energy_fastest) {
  if (!(fwhm_deg > 0)) return;
  const double sigma = fwhm_deg * kPi / 180 / std::sqrt(8 * std::log(2.0));
  const double cut = std::cos(std::min(kCutSigmas * sigma, kPi));
  const Index pixels = static_cast<Index>(sky.solid_angle.size());
  begin_.push_back(0);
  for (Index p = 0; p < pixels; ++p) {
    const double* a = &sky.direction[at(3 * p)];
    double sum = 0;
    for (Index q = 0; q < pixels; ++q) {
      const double* b = &sky.direction[at(3 * q)];
      const double cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
      if (cosine < cut && p != q) continue;
      const double angle = p == q ? 0 : std::acos(std::clamp(cosine, -1.0, 1.0)) / sigma;
      from_.push_back(static_cast<std::int32_t>(q));
      weight_.push_back(sky.solid_angle[at(q)] * std::exp(-0.5 * angle * angle));
      sum += weight_.back();
    }
    for (Index i = begin_.back(); i < static_cast<Index>(weight_.size()); ++i) {
      weight_[at(i)] /= sum;
    }
    begin_.push_back(static_cast<Index>(weight_.size()));
  }
}

void Smoothing::apply(std::span<double> values) const {
  if (!active()) return;
  const Index pixels = static_cast<Index>(begin_.size()) - 1;
  const Index pixel_step = energy_fastest_ ? energies_ : 1;
  const std::vector<double> before(values.begin(), values.end());
  for (Index e = 0; e < energies_; ++e) {
    const Index first = energy_fastest_ ? e : e * pixels;
    for (Index p = 0; p < pixels; ++p) {
      double sum = 0;
      for (Index i = begin_[at(p)]; i < begin_[at(p + 1)]; ++i) {
        sum += weight_[at(i)] * before[at(first + from_[at(i)] * pixel_step)];
      }
      values[at(first + p * pixel_step)] = sum;
    }
  }
}

void Smoothing::apply_to_update(std::span<const double> before, std::span<const double> sensitivity,
                                std::span<double> image) const {
  if (!active()) return;
  std::vector<double> delta(image.size());
  for (std::size_t p = 0; p < delta.size(); ++p) delta[p] = image[p] - before[p];
  apply(delta);
  for (std::size_t p = 0; p < delta.size(); ++p) {
    image[p] = sensitivity[p] > 0 ? std::max(before[p] + delta[p], 0.0) : 0;
  }
}

}  // namespace unfold::imaging
