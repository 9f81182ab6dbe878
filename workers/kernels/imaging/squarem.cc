#include "workers/kernels/imaging/squarem.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/imaging/arrow.h"
#include "workers/kernels/imaging/data_term.h"
#include "workers/kernels/imaging/updates.h"

namespace unfold::imaging {
namespace {

/// Of the scaled normal matrix: secants that are nearly the same share their weight.
constexpr double kRidge = 1e-10;
/// Fainter pixels have no say: their metric would overflow.
constexpr double kVanished = 1e-200;

void append(std::vector<double>& to, const Estimate& from) {
  to.insert(to.end(), from.image.begin(), from.image.end());
  to.insert(to.end(), from.amplitude.begin(), from.amplitude.end());
}

double dot(std::span<const double> metric, std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += metric[i] * a[i] * b[i];
  return sum;
}

}  // namespace

void Squarem::forget(Index oldest) {
  const std::ptrdiff_t values = oldest * size_;
  u_.erase(u_.begin(), u_.begin() + values);
  mapped_.erase(mapped_.begin(), mapped_.begin() + values);
  points_ -= oldest;
}

void Squarem::add(const Estimate& u, const Estimate& mapped) {
  append(u_, u);
  append(mapped_, mapped);
  ++points_;
  if (points_ > kMemory + 1) forget(points_ - kMemory - 1);
}

void Squarem::keep_newest() { forget(std::max<Index>(points_ - 2, 0)); }

/// gamma of the last residual in terms of the residuals' differences: least squares by scaled
/// normal equations.
std::vector<double> Squarem::combination(std::span<const double> metric) const {
  const Index n = points_ - 1;
  const auto residual = [&](Index j, std::size_t i) {
    const std::size_t k = at(j * size_) + i;
    return mapped_[k] - u_[k];
  };
  std::vector<std::vector<double>> difference(at(n), std::vector<double>(at(size_)));
  std::vector<double> last(at(size_));
  for (std::size_t i = 0; i < last.size(); ++i) {
    last[i] = residual(n, i);
    for (Index j = 0; j < n; ++j) difference[at(j)][i] = residual(j + 1, i) - residual(j, i);
  }
  std::vector<double> scale(at(n));
  for (Index j = 0; j < n; ++j) {
    const double square = dot(metric, difference[at(j)], difference[at(j)]);
    scale[at(j)] = square > 0 ? 1 / std::sqrt(square) : 0;
  }
  Arrow system;
  system.scales = n;
  for (Index j = 0; j < n; ++j) {
    for (Index k = 0; k < n; ++k) {
      const double value = dot(metric, difference[at(j)], difference[at(k)]);
      system.dense.push_back(value * scale[at(j)] * scale[at(k)] + (j == k ? kRidge : 0));
    }
    system.right.push_back(dot(metric, difference[at(j)], last) * scale[at(j)]);
  }
  std::vector<double> gamma = solve(std::move(system));
  for (Index j = 0; j < n; ++j) gamma[at(j)] *= scale[at(j)];
  return gamma;
}

Estimate Squarem::extrapolate(std::span<const double> sensitivity,
                              std::span<const double> background) const {
  const auto newest = std::span(mapped_).last(at(size_));
  std::vector<double> metric(sensitivity.begin(), sensitivity.end());
  metric.insert(metric.end(), background.begin(), background.end());
  for (std::size_t i = 0; i < metric.size(); ++i) {
    metric[i] = newest[i] > kVanished ? metric[i] / newest[i] : 0;
  }
  const std::vector<double> gamma = combination(metric);
  std::vector<double> next(at(size_));
  for_each_index(size_, Extrapolate{.mapped = {mapped_.data(), points_, size_},
                                    .gamma = view(gamma),
                                    .least = kLeast,
                                    .next = view(next)});
  const auto middle = next.begin() + static_cast<std::ptrdiff_t>(sensitivity.size());
  return {{next.begin(), middle}, {middle, next.end()}};
}

}  // namespace unfold::imaging
