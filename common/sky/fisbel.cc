#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>

#include "common/sky/instrument.h"

namespace unfold::sky {
namespace {

constexpr double kPi = std::numbers::pi;

double rounded(double edge) { return std::round(edge * 1e6) / 1e6; }

/// Collars are laid from both poles towards the equator, each as near to a square's height as
/// whole bins of equal area allow.
void fill_collars(Fisbel& binning, int bins, double area) {
  const std::size_t collars = binning.longitudes.size();
  binning.longitudes.front() = binning.longitudes.back() = 1;
  binning.edge.back() = kPi;
  if (collars == 1) return;
  binning.edge[1] = std::acos(1 - 2. / bins);
  binning.edge[collars - 1] = kPi - binning.edge[1];
  for (std::size_t c = 1; c < (collars + 1) / 2; ++c) {
    const double left = static_cast<double>(collars - 2 * c);
    const double target = binning.edge[c] + (binning.edge[collars - c] - binning.edge[c]) / left;
    const double north = std::cos(binning.edge[c]);
    const int count = static_cast<int>(2 * kPi * (north - std::cos(target)) / area + 0.5);
    const double next = std::acos(std::clamp(north - count * area / (2 * kPi), -1., 1.));
    binning.longitudes[c] = binning.longitudes[collars - 1 - c] = count;
    binning.edge[c + 1] = next;
    binning.edge[collars - 1 - c] = kPi - next;
  }
}

}  // namespace

Fisbel fisbel(int bins) {
  if (bins < 1) throw std::invalid_argument("a FISBEL binning needs at least one bin");
  const double area = 4 * kPi / bins;
  const int collars = bins == 1 ? 1 : static_cast<int>(kPi / std::sqrt(area) - 1 + 0.5) + 2;
  Fisbel binning;
  binning.edge.assign(static_cast<std::size_t>(collars) + 1, 0);
  binning.longitudes.assign(static_cast<std::size_t>(collars), 0);
  fill_collars(binning, bins, area);
  std::int64_t first = 0;
  for (const int count : binning.longitudes) {
    binning.first.push_back(first);
    first += count;
  }
  if (first != bins) throw std::invalid_argument("no FISBEL binning has that many bins");
  return binning;
}

std::int64_t fisbel_bin(const Fisbel& binning, double polar, double azimuth) {
  const auto above = std::partition_point(binning.edge.begin(), binning.edge.end(),
                                          [&](double edge) { return rounded(edge) <= polar; });
  if (above == binning.edge.begin() || above == binning.edge.end()) return -1;
  const auto collar = static_cast<std::size_t>(above - binning.edge.begin()) - 1;
  const int count = binning.longitudes[collar];
  const double width = 2 * kPi / count;
  if (!(azimuth >= 0) || azimuth >= rounded(2 * kPi)) return -1;
  int along = std::min(count - 1, static_cast<int>(azimuth / width));
  if (azimuth < rounded(along * width)) --along;
  if (azimuth >= rounded((along + 1) * width)) ++along;
  return binning.first[collar] + along;
}

std::vector<double> fisbel_centres(const Fisbel& binning) {
  std::vector<double> result;
  for (std::size_t c = 0; c < binning.longitudes.size(); ++c) {
    const double polar = 0.5 * (binning.edge[c] + binning.edge[c + 1]);
    for (int i = 0; i < binning.longitudes[c]; ++i)
      result.insert(result.end(), {polar, (i + 0.5) * 2 * kPi / binning.longitudes[c]});
  }
  return result;
}

}  // namespace unfold::sky
