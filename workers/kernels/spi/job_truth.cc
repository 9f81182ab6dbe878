#include <algorithm>
#include <cmath>

#include "workers/kernels/spi/bootstrap.h"
#include "workers/kernels/spi/job.h"
#include "workers/kernels/spi/phasing.h"
#include "workers/kernels/spi/survey.h"

namespace unfold::spi {
namespace {

constexpr std::uint64_t kRedrawn = 200;
/// The maps again, two local levels, and a search of all orientations: what frames know, no more.
constexpr int kGenerations = 4;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

/// Halves agree beyond what either shares with the truth where noise bends both in the same way.
/// What each would keep of its own map, were that the truth, bounds what they may claim.
void Job::hold_to_truth(Result& result) {
  if (!halves() || all_ == nullptr) return;
  if (!holds_counts(frames_)) return;  // no noise is known that could be drawn
  std::vector<std::vector<double>> kept[2];
  for (const std::size_t h : {kFirst, kSecond}) {
    Bootstrap how{parts_[h].options,
                  {grid(), known_amplitudes(grid(), smallest_q(detector_), detector_.qmax),
                   half_starts(settings_.phasing_starts), 0}};
    how.run.seed = how.map.seed = seed_of_part(settings_.run.seed, kRedrawn + h);
    how.run.max_generations = std::min(kGenerations, settings_.run.max_generations);
    kept[h] = recovered_correlation(cpu_, parts_[h].frames, detector_, estimate_of(h), how,
                                    communicator_, hooks_.cancelled);
  }
  for (std::size_t c = 0; c < result.maps.size(); ++c) {
    Map& map = result.maps[c];
    const auto& first = kept[kFirst][c];
    const auto& second = kept[kSecond][at(pairing().partner[c])];
    std::vector<double>& claimed = map.half_correlation_corrected;
    for (std::size_t s = 0; s < claimed.size(); ++s) {
      claimed[s] = std::min(claimed[s], std::max(first[s], 0.0) * std::max(second[s], 0.0));
    }
    map.resolution = resolution_of(claimed, detector_.qmax, grid(), kResolvedAbove);
  }
}

}  // namespace unfold::spi
