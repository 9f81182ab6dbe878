#include "workers/kernels/spi/survey.h"

#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/radial.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

bool holds_counts(const PatternSet& frames) {
  const Index looked = std::min<Index>(frames.frames(), 256);
  std::vector<float> rows(at(looked * frames.pixels()));
  frames.rows(0, looked, View<float, 2>(rows.data(), looked, frames.pixels()));
  return std::all_of(rows.begin(), rows.end(), [](float x) { return x == std::floor(x); });
}

double median_total(const PatternSet& frames, const Detector& detector, double qlimit) {
  const auto chosen = matched_pixels(detector, qlimit);
  std::vector<double> totals;
  for (Index i = 0; i < frames.frames(); ++i) totals.push_back(frames.total(i, chosen));
  return median(totals);
}

double smallest_q(const Detector& detector) {
  double least = detector.qmax;
  for (Index p = 0; p < detector.pixels(); ++p) {
    if (detector.mask[at(p)] == PixelClass::kBad) continue;
    const double* q = &detector.q[3 * at(p)];
    least = std::min(least, std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2]));
  }
  return least;
}

}  // namespace unfold::spi
