#include "workers/kernels/spi/frame_batches.h"

#include <cmath>
#include <map>
#include <utility>

namespace unfold::spi {
namespace {

/// A value read by its place costs about as much as this many in a row (measured: 2 to 5).
constexpr Index kListedCost = 4;
/// Fluences of a group agree within +- half of this (natural logarithm).
constexpr double kFluenceStep = 0.2;

}  // namespace

std::vector<FrameBatch> batches_of(compute::Cpu& cpu, const PatternSet& frames,
                                   const Scoring& scoring) {
  struct Kind {
    int group;
    bool listed;
  };
  std::vector<Kind> kinds(static_cast<std::size_t>(frames.frames()));
  cpu.parallel_for(frames.frames(), [&](Index i) {
    std::vector<float> row;
    ScoredFrame frame;
    scoring.read(frames, i, row, frame);
    const bool listed =
        frame.listed && kListedCost * static_cast<Index>(frame.pixel.size()) <= scoring.size();
    const int group = scoring.kind() == TermKind::kBackground
                          ? static_cast<int>(std::lround(std::log(frame.fluence) / kFluenceStep))
                          : 0;
    kinds[static_cast<std::size_t>(i)] = {group, listed};
  });
  std::map<std::pair<int, bool>, FrameBatch> found;
  for (Index i = 0; i < frames.frames(); ++i) {
    const Kind& kind = kinds[static_cast<std::size_t>(i)];
    FrameBatch& batch = found[{kind.group, kind.listed}];
    batch.fluence = std::exp(kind.group * kFluenceStep);
    batch.listed = kind.listed;
    batch.frames.push_back(i);
  }
  std::vector<FrameBatch> batches;
  for (auto& [key, batch] : found) batches.push_back(std::move(batch));
  return batches;
}

}  // namespace unfold::spi
