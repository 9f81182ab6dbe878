#include "workers/kernels/imaging/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace unfold::imaging {
namespace {

constexpr double kDegree = 0.017453292519943295;
/// Multiplicative updates approach zero without end: a pixel to which fewer counts are owed (image
/// x exposure) is on the bound.
constexpr double kOneCount = 1;
/// A pixel that more than one replicate in so many leave on the bound has no error: what those few
/// excursions scatter by is nothing a standard deviation tells (docs/numerics.md).
constexpr Index kMayBeOnBound = 20;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

bool holds(const Region& region, const double* direction) {
  const double l = region.l_deg * kDegree, b = region.b_deg * kDegree;
  const double centre[] = {std::cos(b) * std::cos(l), std::cos(b) * std::sin(l), std::sin(b)};
  double apart = 0;  // squared chord: exact where an angle's cosine is flat
  for (int i = 0; i < 3; ++i) apart += (centre[i] - direction[i]) * (centre[i] - direction[i]);
  const double angle = 2 * std::asin(std::min(1.0, std::sqrt(apart) / 2));
  return angle <= region.radius_deg * kDegree * (1 + 1e-12);
}

RegionPixels find_region(const Region& region, const SkyGeometry& sky) {
  if (!(region.radius_deg > 0)) {
    throw std::invalid_argument("region " + region.name + " has no positive radius");
  }
  const auto pixels = static_cast<Index>(sky.solid_angle.size());
  RegionPixels out{.name = region.name};
  for (Index p = 0; p < pixels; ++p) {
    if (!holds(region, &sky.direction[at(3 * p)])) continue;
    ++out.pixels;
    for (Index e = 0; e < sky.energies; ++e) {
      out.member.push_back(sky.energy_fastest ? p * sky.energies + e : e * pixels + p);
      out.area.push_back(sky.solid_angle[at(p)]);
    }
  }
  if (out.pixels == 0) {
    throw std::invalid_argument("region " + region.name + " holds no pixel's centre");
  }
  return out;
}

}  // namespace

std::vector<RegionPixels> find_regions(std::span<const Region> regions, const SkyGeometry& sky) {
  std::vector<RegionPixels> out;
  for (const Region& region : regions) out.push_back(find_region(region, sky));
  return out;
}

double flux_of(const RegionPixels& region, std::span<const double> image) {
  double out = 0;
  for (std::size_t i = 0; i < region.member.size(); ++i) {
    out += image[at(region.member[i])] * region.area[i];
  }
  return out;
}

void BootstrapTally::Scatter::add(std::span<const double> values, Index count) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double from_old = values[i] - mean[i];
    mean[i] += from_old / static_cast<double>(count);
    square[i] += from_old * (values[i] - mean[i]);
  }
}

double BootstrapTally::Scatter::standard_error(std::size_t i, Index count) const {
  return std::sqrt(square[i] / static_cast<double>(count - 1));
}

BootstrapTally::BootstrapTally(std::span<const double> exposure, Index amplitudes, Index regions)
    : exposure_(exposure),
      image_{std::vector<double>(exposure.size()), std::vector<double>(exposure.size())},
      amplitude_{std::vector<double>(at(amplitudes)), std::vector<double>(at(amplitudes))},
      region_{std::vector<double>(at(regions)), std::vector<double>(at(regions))},
      at_zero_(exposure.size()) {}

void BootstrapTally::add(const Estimate& estimate, std::span<const double> region_fluxes,
                         Index updates) {
  updates_.push_back(updates);
  image_.add(estimate.image, replicates());
  amplitude_.add(estimate.amplitude, replicates());
  region_.add(region_fluxes, replicates());
  for (std::size_t p = 0; p < at_zero_.size(); ++p) {
    at_zero_[p] += estimate.image[p] * exposure_[p] < kOneCount;
  }
}

void BootstrapTally::finish(Result& result) const {
  const Index count = replicates();
  result.replicate_iterations = updates_;
  result.standard_error.resize(at_zero_.size());
  result.on_bound.resize(at_zero_.size());
  for (std::size_t p = 0; p < at_zero_.size(); ++p) {
    const bool bound = kMayBeOnBound * at_zero_[p] > count;
    result.on_bound[p] = bound;
    result.standard_error[p] =
        bound ? std::numeric_limits<double>::quiet_NaN() : image_.standard_error(p, count);
  }
  result.amplitude_error.clear();
  for (std::size_t a = 0; a < amplitude_.mean.size(); ++a) {
    result.amplitude_error.push_back(amplitude_.standard_error(a, count));
  }
  for (std::size_t r = 0; r < result.regions.size(); ++r) {
    result.regions[r].standard_error = region_.standard_error(r, count);
    result.regions[r].bias = region_.mean[r] - result.regions[r].flux;
  }
}

void BootstrapTally::save(ArchiveWriter& out) const {
  for (const Scatter* scatter : {&image_, &amplitude_, &region_}) {
    out.put(scatter->mean);
    out.put(scatter->square);
  }
  out.put(at_zero_);
  out.put(updates_);
}

void BootstrapTally::restore(ArchiveReader& in) {
  for (Scatter* scatter : {&image_, &amplitude_, &region_}) {
    scatter->mean = in.list();
    scatter->square = in.list();
  }
  at_zero_ = in.list<Index>();
  updates_ = in.list<Index>();
}

}  // namespace unfold::imaging
