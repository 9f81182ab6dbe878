#include "common/simulate/compton_response.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/simulate/random.h"

namespace unfold::simulate {
namespace {

constexpr double kDegree = 180 / std::numbers::pi;
constexpr double kPhiMin = 12;
constexpr double kPhiMax = 60;
constexpr double kHorizon = 94.5;  ///< psi + phi of the lowest cone that stays above the Earth
constexpr double kPsiMax = 100;
constexpr double kElectronRest = 511;  // keV
constexpr double kDrawStream = 1000;

double phi_centre(const DataSpace& space, int iphi) { return (iphi + 0.5) * space.phi_step_deg; }

/// How often atmospheric background falls into a bin, up to a factor: more into cones that reach
/// down.
double background_at(double polar, double azimuth, double phi_deg) {
  const double reach = (polar * kDegree + phi_deg) / kHorizon;
  return std::exp(-0.5 * std::pow((phi_deg - 30) / 13, 2)) * (0.55 + 0.45 * std::sin(polar)) *
         (1 + 0.05 * std::cos(2 * azimuth)) * (0.4 + reach * reach);
}

/// Klein and Nishina's probability of scattering by phi, times the ring's solid angle.
double klein_nishina(double phi_deg, double energy) {
  const double sine = std::sin(phi_deg / kDegree);
  const double left = 1 / (1 + energy / kElectronRest * (1 - std::cos(phi_deg / kDegree)));
  return left * left * (left + 1 / left - sine * sine) * sine;
}

double effective_area(const ComptonCone& cone, double zenith_deg, double azimuth) {
  return cone.effective_area * std::exp(-std::pow(zenith_deg / 52, 2.4)) *
         (1 + 0.03 * std::cos(2 * azimuth));
}

/// What does not depend on where the photon comes from.
class Cone {
 public:
  Cone(const ComptonCone& cone, const DataSpace& space) : cone_(cone), space_(space) {
    for (int iphi = 0; iphi < space.phi_bins; ++iphi) {
      const double phi = phi_centre(space, iphi);
      scatter_.push_back(phi > kPhiMax ? 0 : klein_nishina(phi, cone.energy));
    }
    for (std::size_t f = 0; 2 * f < space.centres.size(); ++f) {
      const double polar = space.centres[2 * f];
      const double azimuth = space.centres[2 * f + 1];
      x_.push_back(std::sin(polar) * std::cos(azimuth));
      y_.push_back(std::sin(polar) * std::sin(azimuth));
      z_.push_back(std::cos(polar));
      const double sine = std::sin(polar);
      acceptance_.push_back(polar * kDegree > kPsiMax ? 0 : 0.35 + 0.65 * sine * sine);
    }
    const double sigma = cone.arm_fwhm / 2.355;
    width_ = std::hypot(sigma, space.phi_step_deg / std::sqrt(12.));
    tail_ = 1.5 * sigma;
  }

  /// One row [D], and `all` [phi_bins, fisbel_bins] as scratch.
  void fill(double zenith_deg, double azimuth, std::vector<double>& all, float* row) const {
    const double polar = zenith_deg / kDegree;
    const double x = std::sin(polar) * std::cos(azimuth);
    const double y = std::sin(polar) * std::sin(azimuth);
    const double z = std::cos(polar);
    const std::size_t bins = x_.size();
    double total = 0;
    std::fill(all.begin(), all.end(), 0);
    for (std::size_t f = 0; f < bins; ++f) {
      if (acceptance_[f] == 0) continue;
      const double cosine = std::clamp(x * x_[f] + y * y_[f] + z * z_[f], -1., 1.);
      const double angle = std::acos(cosine) * kDegree;
      for (std::size_t iphi = 0; iphi < scatter_.size(); ++iphi) {
        if (scatter_[iphi] == 0) continue;
        const double value = scatter_[iphi] * acceptance_[f] *
                             spread(angle - phi_centre(space_, static_cast<int>(iphi)));
        all[iphi * bins + f] = value;
        total += value;
      }
    }
    const double scale = effective_area(cone_, zenith_deg, azimuth) / total;
    for (std::size_t d = 0; d < space_.kept.size(); ++d)
      row[d] = static_cast<float>(all[static_cast<std::size_t>(space_.kept[d])] * scale);
  }

 private:
  /// The angular resolution measure: a Gaussian core and a Lorentzian tail.
  double spread(double off_deg) const {
    if (std::abs(off_deg) > 45) return 0;
    const double core = off_deg / width_;
    const double tail = off_deg / tail_;
    return 0.75 * std::exp(-0.5 * core * core) + 0.25 / (1 + tail * tail);
  }

  ComptonCone cone_;
  const DataSpace& space_;
  std::vector<double> scatter_;     ///< [phi_bins]
  std::vector<double> x_, y_, z_;   ///< [fisbel_bins]
  std::vector<double> acceptance_;  ///< [fisbel_bins]
  double width_ = 1;
  double tail_ = 1;
};

}  // namespace

int fisbel_bins(double step_deg) {
  const double side = step_deg / kDegree;
  return static_cast<int>(4 * std::numbers::pi / (side * side));
}

DataSpace data_space(double step_deg) {
  DataSpace space;
  space.phi_bins = static_cast<int>(std::lround(180 / step_deg));
  space.fisbel_bins = fisbel_bins(step_deg);
  space.phi_step_deg = step_deg;
  space.centres = sky::fisbel_centres(sky::fisbel(space.fisbel_bins));
  double sum = 0;
  for (int iphi = 0; iphi < space.phi_bins; ++iphi) {
    const double phi = phi_centre(space, iphi);
    if (phi < kPhiMin || phi > kPhiMax) continue;
    for (int f = 0; f < space.fisbel_bins; ++f) {
      const auto i = static_cast<std::size_t>(2 * f);
      if (space.centres[i] * kDegree + phi > kHorizon) continue;
      space.kept.push_back(iphi * space.fisbel_bins + f);
      space.background.push_back(background_at(space.centres[i], space.centres[i + 1], phi));
      sum += space.background.back();
    }
  }
  for (double& value : space.background) value /= sum;
  return space;
}

std::vector<float> cone_response(const ComptonCone& cone, const DataSpace& space,
                                 const sky::LocalGrid& local) {
  const auto columns = static_cast<std::size_t>(std::lround(360 / local.step_deg));
  const auto rows = static_cast<std::size_t>(local.directions());
  const std::size_t bins = space.kept.size();
  const Cone model(cone, space);
  std::vector<float> response(rows * bins);
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, rows, 16), [&](const auto& range) {
    std::vector<double> scratch(static_cast<std::size_t>(space.phi_bins) *
                                static_cast<std::size_t>(space.fisbel_bins));
    for (std::size_t k = range.begin(); k < range.end(); ++k) {
      const double zenith = (static_cast<double>(k / columns) + 0.5) * local.step_deg;
      const double azimuth = (static_cast<double>(k % columns) + 0.5) * local.step_deg / kDegree;
      if (zenith <= cone.zenith_cut_deg) model.fill(zenith, azimuth, scratch, &response[k * bins]);
    }
  });
  // Tails that no simulation would ever fill.
  const float least = 1e-7f * *std::max_element(response.begin(), response.end());
  for (float& value : response)
    if (value < least) value = 0;
  return response;
}

std::vector<double> drawn_response(const std::vector<float>& fine, const sky::LocalGrid& local,
                                   int merge, std::int64_t bins, double counts,
                                   std::uint64_t seed) {
  const auto columns = static_cast<std::size_t>(std::lround(360 / local.step_deg));
  const auto rows = static_cast<std::size_t>(local.directions());
  const auto size = static_cast<std::size_t>(bins);
  const auto times = static_cast<std::size_t>(merge);
  std::vector<double> response(rows * size);
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, rows, 16), [&](const auto& range) {
    for (std::size_t k = range.begin(); k < range.end(); ++k) {
      double* row = &response[k * size];
      for (std::size_t i = 0; i < times * times; ++i) {
        const std::size_t fine_row =
            (k / columns * times + i / times) * columns * times + k % columns * times + i % times;
        for (std::size_t d = 0; d < size; ++d)
          row[d] +=
              static_cast<double>(fine[fine_row * size + d]) / static_cast<double>(times * times);
      }
      double area = 0;
      for (std::size_t d = 0; d < size; ++d) area += row[d];
      if (area == 0) continue;
      Random random(seed, static_cast<std::uint64_t>(kDrawStream) + k);
      for (std::size_t d = 0; d < size; ++d)
        row[d] = random.poisson(row[d] / area * counts) * (area / counts);
    }
  });
  return response;
}

}  // namespace unfold::simulate
