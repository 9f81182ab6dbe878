#include "workers/kernels/spi/device_tasks.h"

#include <algorithm>
#include <functional>

namespace unfold::spi {
namespace {

constexpr Index kTile = 2048;
constexpr Index kBlockPixels = Index{1} << 30;  // of slices held at once

std::vector<float> matrices_of(std::span<const Quaternion> rotations) {
  std::vector<float> out;
  out.reserve(9 * rotations.size());
  for (const Quaternion& rotation : rotations) {
    for (const double entry : matrix_of(rotation)) out.push_back(static_cast<float>(entry));
  }
  return out;
}

template <class T>
const T* held_or_null(std::span<const T> values) {
  return values.empty() ? nullptr : values.data();
}

}  // namespace

FramesTask frames_task(const PatternSet& frames) {
  const PatternSet::Held held = frames.held();
  return {.frames = frames.frames(),
          .pixels = frames.pixels(),
          .counts = held_or_null(held.counts),
          .values = held_or_null(held.values),
          .first = held_or_null(held.first),
          .pixel = held.pixel.data(),
          .count = held.count.data()};
}

bool fits_device(const PatternSet& frames) {
  for (Index i = 0; frames.is_sparse() && i < frames.frames(); ++i) {
    const std::span<const std::uint32_t> pixel = frames.photons(i).pixel;
    if (!std::is_sorted(pixel.begin(), pixel.end(), std::less_equal<>())) return false;
  }
  return frames.frames() > 0;
}

ScoreInput::ScoreInput(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                       const MatchOptions& options)
    : scoring_(cpu, frames, slicer, options), fine_(slicer.fine()) {}

ScoreTask ScoreInput::score() const {
  const PixelChoice& choice = scoring_.choice();
  const bool background = scoring_.kind() == TermKind::kBackground;
  return {.kind = scoring_.kind(),
          .size = choice.size(),
          .pixel = choice.pixel.data(),
          .position = choice.position.data(),
          .correction = choice.correction.data(),
          .background = background ? scoring_.background().data() : nullptr,
          .fluence = background ? held_or_null(scoring_.fluence()) : nullptr,
          .dark = scoring_.dark(),
          .floor = scoring_.floor(),
          .scale = scoring_.euclid_scale()};
}

GridTask ScoreInput::grid() const {
  return {.cells = fine_.cells,
          .size = fine_.size,
          .n = {fine_.n[0], fine_.n[1], fine_.n[2]},
          .plane = fine_.plane,
          .row = fine_.row,
          .width = fine_.width,
          .window = fine_.window.data()};
}

MatchInput::MatchInput(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                       std::span<const Quaternion> references, const MatchOptions& options)
    : input_(cpu, frames, slicer, options),
      rotation_(matrices_of(references)),
      typical_(matrices_of(reference_rotations(kTypicalSlices, {1, 0, 0, 0}))),
      kept_(kept_of(input_.scoring(), options)) {
  const auto size = static_cast<std::size_t>(frames.frames() * options.top);
  matches_.top = options.top;
  matches_.reference.resize(size);
  matches_.score.resize(size);
}

MatchTask MatchInput::task() {
  const ScoreTask score = input_.score();
  return {.score = score,
          .grid = input_.grid(),
          .rotation = rotation_.data(),
          .references = static_cast<Index>(rotation_.size()) / 9,
          .typical = typical_.data(),
          .typicals = kTypicalSlices,
          .top = matches_.top,
          .kept = kept_,
          .tile_frames = kTile,
          .tile_references = kTile,
          .block_references = std::max(kBlockPixels / score.size / kTile, Index{1}) * kTile,
          .reference = matches_.reference.data(),
          .best = matches_.score.data()};
}

NearInput::NearInput(compute::Cpu& cpu, const PatternSet& frames, const Slicer& slicer,
                     std::span<const Quaternion> start, Index starts,
                     std::span<const Quaternion> turns, const MatchOptions& options)
    : input_(cpu, frames, slicer, options),
      quick_(&slicer.quick()),
      start_(start),
      turns_(turns),
      starts_(starts),
      top_(options.top),
      candidate_(static_cast<std::size_t>(frames.frames() * options.top)),
      score_(candidate_.size()) {}

NearTask NearInput::task() {
  static_assert(sizeof(Quaternion) == 4 * sizeof(double));
  return {.score = input_.score(),
          .grid = input_.grid(),
          .quick = quick_->cells().data(),
          .quick_n = quick_->n(),
          .quick_side = quick_->side(),
          .start = start_.data()->data(),
          .starts = starts_,
          .turn = turns_.data()->data(),
          .turns = static_cast<Index>(turns_.size()),
          .top = top_,
          .kept = top_ + kDoubtfulNear,
          .candidate = candidate_.data(),
          .best = score_.data()};
}

LocalMatches NearInput::answer() const {
  LocalMatches out{.top = top_, .rotation = {}, .score = score_};
  const auto turns = turns_.size(), starts = static_cast<std::size_t>(starts_);
  for (std::size_t k = 0; k < candidate_.size(); ++k) {
    const std::size_t frame = k / static_cast<std::size_t>(top_);
    const auto place = static_cast<std::size_t>(std::max(candidate_[k], 0));
    out.rotation.push_back(multiply(start_[frame * starts + place / turns], turns_[place % turns]));
  }
  return out;
}

}  // namespace unfold::spi
