#include "workers/kernels/spi/matching.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "workers/kernels/spi/best_list.h"
#include "workers/kernels/spi/scoring.h"

namespace unfold::spi {
namespace {

constexpr Index kBlockFloats = 1 << 24;

}  // namespace

Matches match(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
              std::span<const Quaternion> references, const MatchOptions& options) {
  const Scoring scoring(cpu, frames, slicer, options);
  const auto top = static_cast<std::size_t>(options.top);
  const auto total = static_cast<Index>(references.size());
  const Index block =
      std::clamp<Index>(kBlockFloats / scoring.size(), 1, std::max<Index>(total, 1));
  std::vector<Candidate> best(static_cast<std::size_t>(frames.frames()) * top);
  std::vector<float> model(static_cast<std::size_t>(block * scoring.size()));
  for (Index first = 0; first < total; first += block) {
    const Index count = std::min(block, total - first);
    slicer.slices(
        references.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
        scoring.choice(), View<float, 2>(model.data(), count, scoring.size()));
    cpu.parallel_for(frames.frames(), [&](Index i) {
      std::vector<float> row;
      ScoredFrame frame;
      scoring.read(frames, i, row, frame);
      const std::span<Candidate> mine(&best[static_cast<std::size_t>(i) * top], top);
      for (Index j = 0; j < count; ++j)
        insert(mine, {scoring.score(model.data() + j * scoring.size(), frame),
                      static_cast<std::int32_t>(first + j)});
    });
  }
  Matches matches{.top = options.top, .reference = {}, .score = {}};
  for (const Candidate& candidate : best) {
    matches.reference.push_back(candidate.place);
    matches.score.push_back(candidate.score);
  }
  return matches;
}

}  // namespace unfold::spi
