#include "common/simulate/spi_objects.h"

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "common/formats/spi/molecule.h"
#include "common/simulate/spi_geometry.h"
#include "common/simulate/spi_rotation.h"

namespace unfold::simulate {
namespace {

constexpr int kDirections = 768;      // of q, for the mean over orientations
constexpr double kStepsAFringe = 12;  // of the profile, in 1 / diameter

/// |3 (sin x - x cos x) / x^3|^2, x = pi q D: a ball's, 1 forward.
double ball(double q, double diameter) {
  const double x = std::numbers::pi * q * diameter;
  if (x < 1e-3) return 1 - x * x / 5;
  const double f = 3 * (std::sin(x) - x * std::cos(x)) / (x * x * x);
  return f * f;
}

/// Vectors of length 1, a golden spiral. [kDirections, 3]
std::vector<double> half_sphere() {
  const double golden = std::numbers::pi * (3 - std::sqrt(5.0));
  std::vector<double> out;
  for (int i = 0; i < kDirections; ++i) {
    const double z = (i + 0.5) / kDirections;
    const double side = std::sqrt(1 - z * z);
    out.insert(out.end(), {side * std::cos(golden * i), side * std::sin(golden * i), z});
  }
  return out;
}

}  // namespace

SpiScene::SpiScene(std::span<const spi_data::Molecule> molecules, const SpiOptions& options,
                   const spi_data::Detector& detector)
    : object_(options.object), ball_diameter_(options.ball_diameter) {
  if (object_ == SpiObject::kBall) return;
  for (const spi_data::Molecule& molecule : molecules) {
    sums_.emplace_back(molecule, options.scattering);
    factors_.push_back(sums_.back().factors(detector.q));
  }
  const bool structureless = options.non_hits > 0 && options.non_hit == SpiNonHit::kRadial;
  if (object_ == SpiObject::kRadialMean || structureless) measure_profile(detector, molecules);
}

/// The mean over directions, at lengths fine enough to be joined by straight lines, with a margin
/// for beams off the centre. Friedel's law gives the other half of the sphere.
void SpiScene::measure_profile(const spi_data::Detector& detector,
                               std::span<const spi_data::Molecule> molecules) {
  const std::vector<double> lengths = lengths_of(detector.q);
  const double reach = 1.5 * *std::max_element(lengths.begin(), lengths.end());
  double diameter = 0;
  for (const spi_data::Molecule& molecule : molecules)
    diameter = std::max(diameter, spi_data::diameter_of(molecule));
  const auto steps = static_cast<std::size_t>(std::max(64.0, kStepsAFringe * reach * diameter));
  step_ = reach / static_cast<double>(steps);
  profile_.assign(steps + 2, 0);
  const std::vector<double> directions = half_sphere();
  tbb::parallel_for(std::size_t{0}, profile_.size(), [&](std::size_t i) {
    std::vector<double> q = directions;
    for (double& value : q) value *= static_cast<double>(i) * step_;
    std::vector<std::complex<float>> f(q.size() / 3);
    for (const spi_data::StructureFactors& sums : sums_) {
      sums.amplitudes(q, f);
      for (const std::complex<float>& value : f)
        profile_[i] += static_cast<double>(std::norm(value));
    }
    profile_[i] /= static_cast<double>(f.size() * sums_.size());
  });
}

void SpiScene::intensity(std::size_t which, const std::array<double, 4>& orientation,
                         std::span<const double> q, bool centred, std::span<float> out) const {
  if (object_ == SpiObject::kBall || object_ == SpiObject::kRadialMean) return radial(q, out);
  std::vector<double> turned(q.size());
  turn_back(orientation, q, turned);
  std::vector<std::complex<float>> f(out.size());
  if (centred) {
    sums_[which].amplitudes(turned, factors_[which], f);
  } else {
    sums_[which].amplitudes(turned, f);
  }
  std::transform(f.begin(), f.end(), out.begin(),
                 [](std::complex<float> v) { return std::norm(v); });
}

void SpiScene::radial(std::span<const double> q, std::span<float> out) const {
  const std::vector<double> lengths = lengths_of(q);
  for (std::size_t p = 0; p < out.size(); ++p) {
    if (object_ == SpiObject::kBall) {
      out[p] = static_cast<float>(ball(lengths[p], ball_diameter_));
      continue;
    }
    const double at = std::min(lengths[p] / step_, static_cast<double>(profile_.size()) - 1.001);
    const auto below = static_cast<std::size_t>(at);
    const double share = at - static_cast<double>(below);
    out[p] = static_cast<float>(profile_[below] * (1 - share) + profile_[below + 1] * share);
  }
}

}  // namespace unfold::simulate
