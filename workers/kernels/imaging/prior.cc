#include "workers/kernels/imaging/prior.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "workers/kernels/imaging/data_term.h"

namespace unfold::imaging {

PriorTerm::PriorTerm(const Prior& prior, const SkyGeometry& sky, double initial_flux,
                     std::span<const double> total)
    : prior_(prior),
      sky_(sky),
      entropy_reference_(initial_flux /
                         std::accumulate(sky.solid_angle.begin(), sky.solid_angle.end(), 0.0)),
      total_(total) {}

/// visit(j, n) for each model index and each of its neighbours.
template <class Visit>
void PriorTerm::for_each_neighbour(Visit visit) const {
  const Index pixels = static_cast<Index>(sky_.solid_angle.size());
  const Index step = sky_.energy_fastest ? sky_.energies : 1;
  for (Index e = 0; e < sky_.energies; ++e) {
    const Index first = sky_.energy_fastest ? e : e * pixels;
    for (Index p = 0; p < pixels; ++p) {
      for (Index i = 0; i < 8; ++i) {
        const std::int32_t n = sky_.neighbours[at(8 * p + i)];
        if (n >= 0) visit(at(first + p * step), at(first + n * step));
      }
    }
  }
}

/// (x - y)^2 <= ((2x - m)^2 + (2y - m)^2) / 2 with m = x + y now, equal now: each pixel's share of
/// -weight (x - y)^2 is weight (2 m x - 2 x^2), up to a constant.
void PriorTerm::update_squared_variation(const EmUpdate& em) const {
  std::vector<double> square(total_.size()), pull(total_.size());
  for_each_neighbour([&](std::size_t j, std::size_t n) {
    const double sum = em.image(static_cast<Index>(j)) + em.image(static_cast<Index>(n));
    for (const std::size_t i : {j, n}) {
      square[i] += 2 * prior_.weight;
      pull[i] += 2 * prior_.weight * sum;
    }
  });
  for_each_index(static_cast<Index>(total_.size()),
                 SquaredVariationUpdate{.em = em, .square = view(square), .pull = view(pull)});
}

void PriorTerm::update(const EmUpdate& em) const {
  const auto pixels = static_cast<Index>(total_.size());
  switch (prior_.kind) {
    case PriorKind::kNone:
    case PriorKind::kGamma:
      return for_each_index(pixels, em);
    case PriorKind::kTotalSquaredVariation:
      return update_squared_variation(em);
    case PriorKind::kEntropy:
      return for_each_index(
          pixels,
          EntropyUpdate{.em = em, .weight = prior_.weight, .reference = entropy_reference_});
  }
}

double PriorTerm::gamma(std::span<const double> image) const {
  double sum = 0;
  for (std::size_t j = 0; j < image.size(); ++j) {
    if (!(total_[j] > 0)) continue;
    const double least = std::max(1 - prior_.weight, 1e-300) / total_[j];
    sum += (prior_.weight - 1) * std::log(std::max(image[j], least));
  }
  return sum;
}

double PriorTerm::entropy(std::span<const double> image) const {
  double sum = 0;
  for (const double x : image) {
    if (x > 0) sum += prior_.weight * x * (1 - std::log(x / entropy_reference_));
  }
  return sum;
}

double PriorTerm::squared_variation(std::span<const double> image) const {
  double sum = 0;
  for_each_neighbour([&](std::size_t j, std::size_t n) {
    sum -= prior_.weight * (image[j] - image[n]) * (image[j] - image[n]);
  });
  return sum;
}

double PriorTerm::log_prior(std::span<const double> image) const {
  switch (prior_.kind) {
    case PriorKind::kNone:
      return 0;
    case PriorKind::kGamma:
      return gamma(image);
    case PriorKind::kTotalSquaredVariation:
      return squared_variation(image);
    case PriorKind::kEntropy:
      return entropy(image);
  }
  return 0;
}

}  // namespace unfold::imaging
