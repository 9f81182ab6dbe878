#pragma once

#include <math.h>

#include <cstdint>
#include <optional>

#include "workers/compute/accelerator.h"
#include "workers/compute/block.h"
#include "workers/kernels/spi/device/half.h"
#include "workers/kernels/spi/device/tasks.h"

/// Frames resident on a device, and tiles of them as a matrix product takes them.
namespace unfold::spi {

using compute::View;

/// FramesTask with device pointers.
struct FrameView {
  const std::uint16_t* counts = nullptr;
  const float* values = nullptr;
  const Index* first = nullptr;
  const std::uint32_t* pixel = nullptr;
  const float* count = nullptr;
  const std::int32_t* place = nullptr;  ///< [N] where frames lie; null: in order
  Index pixels = 0;

  UNFOLD_HD bool listed() const { return first != nullptr; }
  UNFOLD_HD Index at_place(Index frame) const { return place != nullptr ? place[frame] : frame; }
  /// Of a frame that is not listed.
  UNFOLD_HD float at(Index frame, std::uint32_t pixel_place) const {
    const Index i = at_place(frame) * pixels + static_cast<Index>(pixel_place);
    return counts != nullptr ? static_cast<float>(counts[i]) : values[i];
  }
  /// The same of a listed frame, too, at a pixel of the detector.
  UNFOLD_HD float seen(Index frame, std::uint32_t wanted) const {
    if (!listed()) return at(frame, wanted);
    const Index held = at_place(frame), end = first[held + 1];
    Index low = first[held];
    for (Index high = end; low < high;) {
      const Index middle = low + (high - low) / 2;
      if (pixel[middle] < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < end && pixel[low] == wanted ? count[low] : 0.0f;
  }
};

/// Owns N frames on `D`, in the form they come in, or knows where another set has them. Immutable.
template <compute::Accelerator D>
class FrameSet {
 public:
  FrameSet(D& device, const FramesTask& task) : frames_(task.frames) {
    view_.pixels = task.pixels;
    const Index all = task.frames * task.pixels;
    if (task.first != nullptr) {
      view_.first = upload(device, first_, task.first, task.frames + 1);
      const Index photons = task.first[task.frames];
      view_.pixel = upload(device, pixel_, task.pixel, photons);
      view_.count = upload(device, values_, task.count, photons);
    } else if (task.counts != nullptr) {
      view_.counts = upload(device, counts_, task.counts, all);
    } else {
      view_.values = upload(device, values_, task.values, all);
    }
    device.synchronize();
  }

  /// Frames of `whole`, which must outlive it: place [frames], or null: all of them.
  FrameSet(D& device, const FrameSet& whole, const std::int32_t* place, Index frames)
      : frames_(place != nullptr ? frames : whole.frames_), view_(whole.view_) {
    if (place != nullptr) view_.place = upload(device, place_, place, frames);
    device.synchronize();
  }

  /// Counts that are made on the device: counts() is to be filled before the set is used.
  FrameSet(D& device, Index frames, Index pixels) : frames_(frames) {
    view_.pixels = pixels;
    counts_.emplace(device, frames * pixels);
    view_.counts = counts();
  }
  std::uint16_t* counts() { return counts_->view(counts_->size()).data; }

  Index frames() const { return frames_; }
  const FrameView& view() const { return view_; }

 private:
  template <class T>
  static const T* upload(D& device, std::optional<compute::Buffer<T, D>>& to, const T* from,
                         Index n) {
    to.emplace(device, n);
    to->upload({from, static_cast<std::size_t>(n)});
    return to->view(n).data;
  }

  Index frames_;
  FrameView view_;
  std::optional<compute::Buffer<std::uint16_t, D>> counts_;
  std::optional<compute::Buffer<float, D>> values_;
  std::optional<compute::Buffer<Index, D>> first_;
  std::optional<compute::Buffer<std::uint32_t, D>> pixel_;
  std::optional<compute::Buffer<std::int32_t, D>> place_;
};

/// Chosen pixels on a device.
struct ChoiceView {
  const std::uint32_t* pixel = nullptr;  ///< [size]
  const std::int32_t* place = nullptr;   ///< [P] in the choice, -1: not in it
  Index size = 0;
};

/// A block's threads over one frame's values: visit(place in the choice, value, thread). Listed
/// frames: those that are not 0.
template <class Block, class Visit>
UNFOLD_DEVICE void each_value(Block& block, const FrameView& frames, const ChoiceView& choice,
                              Index frame, const Visit& visit) {
  if (!frames.listed()) {
    block.for_each(choice.size, [&](Index p, int thread) {
      visit(p, frames.at(frame, choice.pixel[p]), thread);
    });
    return;
  }
  const Index held = frames.at_place(frame), first = frames.first[held];
  block.for_each(frames.first[held + 1] - first, [&](Index k, int thread) {
    const Index p = choice.place[frames.pixel[first + k]];
    if (p >= 0) visit(p, frames.count[first + k], thread);
  });
}

/// What a frame adds up to over the chosen pixels.
struct FrameSum {
  double photons;  ///< sum K
  double square;   ///< sum K^2
  float scale;     ///< that its values are multiplied by to fit 16 bits
};

struct SumFrame {
  static constexpr int kThreads = 128;
  FrameView frames;
  ChoiceView choice;
  bool roots;  ///< values are square roots
  Index count;
  FrameSum* sum;  ///< [count] overwritten

  Index blocks() const { return count; }
  std::size_t shared_bytes() const { return compute::kReductionBytes; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    auto photons = block.template per_thread<double>();
    auto square = block.template per_thread<double>();
    auto largest = block.template per_thread<float>();
    block.each_thread([&](int t) { photons(t) = square(t) = largest(t) = 0; });
    each_value(block, frames, choice, block.index(), [&](Index, float k, int t) {
      photons(t) += static_cast<double>(k);
      square(t) += static_cast<double>(k) * static_cast<double>(k);
      if (k > largest(t)) largest(t) = k;
    });
    const double all = block.sum(photons), squares = block.sum(square);
    const float top = block.max(largest);
    block.each_thread([&](int t) {
      if (t != 0) return;
      sum[block.index()] = {all, squares, half_scale(roots ? ::sqrtf(top) : top)};
    });
  }
};

/// Frames side by side in 16 bits: out [members, depth], zeros beyond the choice.
struct PackFrames {
  static constexpr int kThreads = 128;
  FrameView frames;
  ChoiceView choice;
  bool roots;
  const std::int32_t* member;  ///< [count] frames
  Index count;
  const FrameSum* sum;  ///< [N]
  Index depth;
  std::uint16_t* out;

  Index blocks() const { return count; }
  std::size_t shared_bytes() const { return 0; }

  template <class Block>
  UNFOLD_DEVICE void operator()(Block& block) const {
    const Index frame = member[block.index()];
    std::uint16_t* row = out + block.index() * depth;
    const Index filled = frames.listed() ? 0 : choice.size;
    block.for_each(depth - filled, [&](Index p) { row[filled + p] = 0; });
    const float scale = sum[frame].scale;
    each_value(block, frames, choice, frame,
               [&](Index p, float k, int) { row[p] = half_of(scale * (roots ? ::sqrtf(k) : k)); });
  }
};

}  // namespace unfold::spi
