#include "workers/kernels/spi/tile_matching.h"

#include <algorithm>

namespace unfold::spi {
namespace {

/// References and pixels at a time: what is in use stays in a core's second cache.
constexpr Index kColumnPanels = 8;
constexpr Index kDepth = 256;

}  // namespace

TileMatching::TileMatching(compute::Cpu& cpu, const PatternSet& frames, const Scoring& scoring,
                           const ProductKernels& kernels)
    : set_(&frames),
      scoring_(&scoring),
      kernels_(&kernels),
      packed_(cpu, kTileRowPanels * kernels.rows * scoring.size()),
      hits_(static_cast<std::size_t>(kernels.rows * kernels.columns)),
      products_(cpu, kTileRowPanels * kColumnPanels * kernels.rows * kernels.columns) {}

void TileMatching::read(std::span<const Index> members, bool listed, const ScreenForm& form) {
  const Index rows = kernels_->rows;
  row_panels_ = (static_cast<Index>(members.size()) + rows - 1) / rows;
  frames_.resize(members.size());
  factor_.assign(static_cast<std::size_t>(row_panels_ * rows), 0.0f);
  threshold_.assign(factor_.size(), std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (listed)
      scoring_->read(*set_, members[i], row_, frames_[i]);
    else
      scoring_->read_all(*set_, members[i], row_, frames_[i]);
    factor_[i] = form.factor(frames_[i]);
  }
  if (listed) return;
  for (Index panel = 0; panel < row_panels_; ++panel) pack(panel);
}

/// Frames side by side; where there are none, zeros.
void TileMatching::pack(Index row_panel) {
  const auto rows = static_cast<std::size_t>(kernels_->rows);
  const auto size = static_cast<std::size_t>(scoring_->size());
  const std::size_t first = static_cast<std::size_t>(row_panel) * rows;
  const std::size_t count = std::min(rows, frames_.size() - first);
  float* to = packed_.data() + first * size;
  if (count < rows) std::fill_n(to, rows * size, 0.0f);
  for (std::size_t p = 0; p < size; ++p, to += rows)
    for (std::size_t r = 0; r < count; ++r) to[r] = frames_[first + r].value[p];
}

void TileMatching::products(const ReferencePanels& panels, Index panel, Index count, bool listed) {
  const Index rows = kernels_->rows;
  const Index columns = kernels_->columns;
  if (listed) {
    // A panel at a time: it stays near while all frames look into it.
    for (Index j = 0; j < count; ++j)
      for (std::size_t i = 0; i < frames_.size(); ++i) {
        const ScoredFrame& frame = frames_[i];
        const Index r = static_cast<Index>(i);
        kernels_->gather(
            {.frame = {frame.value.data(), frame.pixel.data(),
                       static_cast<Size>(frame.pixel.size())},
             .b = panels.panel(panel + j),
             .c = products_.data() + ((r / rows * count + j) * rows + r % rows) * columns});
      }
    return;
  }
  for (Index p = 0; p < scoring_->size(); p += kDepth) {
    kernels_->multiply({.depth = std::min(kDepth, scoring_->size() - p),
                        .row_panels = row_panels_,
                        .column_panels = count,
                        .a = packed_.data() + p * rows,
                        .a_stride = scoring_->size() * rows,
                        .b = panels.panel(panel) + p * columns,
                        .b_stride = panels.stride(),
                        .c = products_.data(),
                        .add = p > 0});
  }
}

void TileMatching::select(const ReferencePanels& panels, Index panel, Index count, Index first,
                          std::span<Screened> best, Index kept) {
  const Index tile = kernels_->rows * kernels_->columns;
  for (Index i = 0; i < row_panels_; ++i) {
    for (Index j = 0; j < count; ++j) {
      const Index row = i * kernels_->rows;
      const Size found = kernels_->select({.c = products_.data() + (i * count + j) * tile,
                                           .bias = panels.bias(panel + j),
                                           .factor = factor_.data() + row,
                                           .threshold = threshold_.data() + row},
                                          hits_.data());
      for (Size h = 0; h < found; ++h) {
        const Hit& hit = hits_[static_cast<std::size_t>(h)];
        const Index reference = (panel + j) * kernels_->columns + hit.column;
        if (reference >= panels.count()) continue;
        const auto own = best.subspan(static_cast<std::size_t>((row + hit.row) * kept),
                                      static_cast<std::size_t>(kept));
        Screened candidate;
        candidate.score = hit.score;
        candidate.place = static_cast<std::int32_t>(first + reference);
        insert(own, candidate);
        threshold_[static_cast<std::size_t>(row + hit.row)] = own.back().score;
      }
    }
  }
}

void TileMatching::run(std::span<const Index> members, bool listed, const ScreenForm& form,
                       const ReferencePanels& panels, Index first, std::span<Screened> best,
                       Index kept) {
  read(members, listed, form);
  const auto own = [&](std::size_t i) {
    return best.subspan(i * static_cast<std::size_t>(kept), static_cast<std::size_t>(kept));
  };
  for (std::size_t i = 0; i < members.size(); ++i) threshold_[i] = own(i).back().score;
  for (Index panel = 0; panel < panels.panels(); panel += kColumnPanels) {
    const Index count = std::min(kColumnPanels, panels.panels() - panel);
    products(panels, panel, count, listed);
    select(panels, panel, count, first, best, kept);
  }
  for (std::size_t i = 0; i < members.size(); ++i)
    for (Screened& candidate : own(i))
      if (candidate.place >= first) {
        const Index j = candidate.place - first;
        candidate.exact = scoring_->score(panels.slice(j), panels.total(j), frames_[i]);
      }
}

}  // namespace unfold::spi
