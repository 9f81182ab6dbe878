#include "workers/kernels/spi/matching.h"

#include <algorithm>

#include "workers/kernels/spi/tile_matching.h"

namespace unfold::spi {
namespace {

/// Floats of a block's slices, and as many again of its panels: 256 MB each.
constexpr Index kBlockFloats = Index{1} << 26;
/// Tiles are smaller where threads would wait.
constexpr Index kTilesPerThread = 4;

Index frames_a_tile(const compute::Cpu& cpu, const ProductKernels& kernels, Index frames) {
  const Index even = frames / (kTilesPerThread * cpu.threads() * kernels.rows);
  return std::clamp<Index>(even, 1, kTileRowPanels) * kernels.rows;
}

/// References of a block: at most about `most`, all blocks alike.
Index block_of(Index total, Index most, const ProductKernels& kernels) {
  const Index blocks = std::max<Index>((total + most - 1) / most, 1);
  const Index even = (total + blocks - 1) / blocks;
  return std::max<Index>((even + kernels.columns - 1) / kernels.columns, 1) * kernels.columns;
}

/// One batch against one block.
void match_batch(compute::Cpu& cpu, const PatternSet& frames, const Scoring& scoring,
                 const ProductKernels& kernels, const FrameBatch& batch, ReferencePanels& panels,
                 Index first, std::span<Screened> best, Index kept) {
  const ScreenForm form(scoring, batch.fluence);
  panels.set_form(form);
  const auto count = static_cast<Index>(batch.frames.size());
  const Index tile = frames_a_tile(cpu, kernels, count);
  cpu.parallel_for((count + tile - 1) / tile, [&](Index t) {
    const auto from = static_cast<std::size_t>(t * tile);
    const auto members =
        std::span(batch.frames)
            .subspan(from, static_cast<std::size_t>(std::min(tile, count - t * tile)));
    // Lists of this tile's frames side by side, and back.
    const auto width = static_cast<std::size_t>(kept);
    std::vector<Screened> own(members.size() * width);
    for (std::size_t i = 0; i < members.size(); ++i)
      std::copy_n(&best[static_cast<std::size_t>(members[i]) * width], width, &own[i * width]);
    TileMatching(cpu, frames, scoring, kernels)
        .run(members, batch.listed, form, panels, first, own, kept);
    for (std::size_t i = 0; i < members.size(); ++i)
      std::copy_n(&own[i * width], width, &best[static_cast<std::size_t>(members[i]) * width]);
  });
}

/// The best `top` of each frame's list by exact scores.
Matches ranked(std::span<const Screened> best, Index kept, Index top) {
  Matches matches{.top = top, .reference = {}, .score = {}};
  for (std::size_t first = 0; first < best.size(); first += static_cast<std::size_t>(kept)) {
    std::vector<Candidate> exact(static_cast<std::size_t>(top));
    for (const Screened& candidate : best.subspan(first, static_cast<std::size_t>(kept)))
      if (candidate.place >= 0)
        insert(std::span(exact), Candidate{candidate.exact, candidate.place});
    for (const Candidate& candidate : exact) {
      matches.reference.push_back(candidate.place);
      matches.score.push_back(candidate.score);
    }
  }
  return matches;
}

}  // namespace

Matches match(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
              std::span<const Quaternion> references, const MatchOptions& options) {
  if (options.device != nullptr) {
    auto found = options.device->match(cpu, frames, slicer, references, options);
    if (found) return *std::move(found);
  }
  const Scoring scoring(cpu, frames, slicer, options);
  const ProductKernels& product = kernels(options.isa).product;
  const auto total = static_cast<Index>(references.size());
  const Index block = block_of(total, std::max<Index>(kBlockFloats / scoring.size(), 1), product);
  const Index kept = kept_of(scoring, options);
  std::vector<Screened> best(static_cast<std::size_t>(frames.frames() * kept));
  const std::vector<FrameBatch> batches = batches_of(cpu, frames, scoring);
  ReferencePanels panels(cpu, slicer, scoring, product, block);
  for (Index first = 0; first < total; first += block) {
    const Index count = std::min(block, total - first);
    panels.load(
        references.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    for (const FrameBatch& batch : batches)
      match_batch(cpu, frames, scoring, product, batch, panels, first, best, kept);
  }
  return ranked(best, kept, options.top);
}

}  // namespace unfold::spi
