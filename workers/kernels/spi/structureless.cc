#include "workers/kernels/spi/structureless.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "workers/kernels/spi/radial.h"

namespace unfold::spi {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// [P] the mean over conformations and over all orientations.
std::vector<float> averaged(compute::Cpu& cpu, Index grid, const Detector& detector,
                            std::span<const std::vector<double>> models) {
  std::vector<std::uint32_t> pixels(at(detector.pixels()));
  std::iota(pixels.begin(), pixels.end(), 0u);
  Slicer slicer(cpu, grid, detector);
  const PixelChoice everywhere = slicer.choose(std::move(pixels));
  std::vector<float> out(at(detector.pixels()), 0.0f), one(out.size());
  for (const std::vector<double>& model : models) {
    slicer.set(View<const double, 3>(model.data(), grid, grid, grid));
    slicer.mean_slice(everywhere, one.data());
    for (std::size_t p = 0; p < out.size(); ++p)
      out[p] += std::max(one[p], 0.0f) / static_cast<float>(models.size());
  }
  return out;
}

}  // namespace

std::vector<double> structureless_scores(compute::Cpu& cpu, const PatternSet& frames,
                                         const Detector& detector, const Structureless& known,
                                         const MatchOptions& options) {
  auto best = pattern_scores(cpu, frames, detector, known.radial_mean, options);
  for (const auto& volumes : {known.models, known.merged}) {
    auto scores = pattern_scores(cpu, frames, detector,
                                 averaged(cpu, known.grid, detector, volumes), options);
    if (sum_of(scores) > sum_of(best)) best = std::move(scores);
  }
  return best;
}

}  // namespace unfold::spi
