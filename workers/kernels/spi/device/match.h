#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "workers/kernels/spi/device/best.h"
#include "workers/kernels/spi/device/half_product.h"
#include "workers/kernels/spi/device/scored_pixels.h"
#include "workers/kernels/spi/device/slice.h"

/// match() of matching.h on a device: frames against references as a matrix product of 16-bit
/// numbers, tile by tile, the best of each frame kept on the way and scored exactly.
namespace unfold::spi {

/// Slices of some references and their totals.
template <compute::Accelerator D>
class DeviceSlices {
 public:
  DeviceSlices(D& device, Index most, Index size)
      : rotation_(device, 9 * most), value_(device, most * size), total_(device, most) {}

  /// rotation [count, 9], host.
  void cut(D& device, const GridTask& grid, const float* cells, ScoredPixels<D>& pixels,
           const float* rotation, Index count) {
    const Index size = pixels.size();
    device.copy_in(rotation_.view(rotation_.size()).data, rotation,
                   static_cast<std::size_t>(9 * count) * sizeof(float));
    with_reader(grid, cells,
                [&](const auto& reader) { launch(device, cutting(reader, pixels, count)); });
    launch(device, SumTerms{pixels.term(), table(), count, size});
  }

  SliceTable table() { return {value_.view(value_.size()).data, total_.view(total_.size()).data}; }

 private:
  template <int W>
  CutSlices<W> cutting(const GridReader<W>& reader, ScoredPixels<D>& pixels, Index count) {
    return {reader,
            rotation_.view(rotation_.size()).data,
            pixels.position(),
            pixels.correction(),
            count,
            pixels.size(),
            value_.view(value_.size()).data};
  }

  compute::Buffer<float, D> rotation_;
  compute::Buffer<float, D> value_;
  compute::Buffer<double, D> total_;
};

/// Frames whose fluence is alike, so that one form of the references does for all.
struct FluenceGroup {
  double fluence;
  std::vector<std::int32_t> frames;  ///< ascending
};

/// One call. What it holds on the device goes with it.
template <compute::Accelerator D>
class Matching {
 public:
  Matching(D& device, const FrameSet<D>& frames, const MatchTask& task)
      : device_(device),
        frames_(frames),
        task_(task),
        pixels_(device, frames, task.score),
        product_(device),
        depth_((task.score.size + 63) / 64 * 64),
        tile_frames_(std::min(task.tile_frames, frames.frames())),
        tile_references_(std::min(task.tile_references, block())),
        cells_(device, task.grid.size),
        typical_(device, task.typicals, task.score.size),
        slices_(device, block(), task.score.size),
        entries_(device, block() * depth_),
        bias_(device, block()),
        centre_(device, task.score.size + 1),
        packed_(device, tile_frames_ * depth_),
        scores_(device, tile_frames_ * tile_references_),
        member_(device, frames.frames()),
        key_(device, frames.frames() * kMostKept),
        exact_(device, frames.frames() * kMostKept) {
    if (task.kept > kMostKept || task.top > task.kept) {
      throw std::invalid_argument("more candidates a frame than a device's lists hold");
    }
  }

  void run() {
    const float* cells = uploaded(cells_, task_.grid.cells);
    typical_.cut(device_, task_.grid, cells, pixels_, task_.typical, task_.typicals);
    parallel_for(device_, key_.size(), ClearBest{task_.kept, data(key_), data(exact_)});
    const std::vector<FluenceGroup> groups = groups_of_frames();
    for (Index first = 0; first < task_.references; first += block()) {
      const Index count = std::min(block(), task_.references - first);
      slices_.cut(device_, task_.grid, cells, pixels_, task_.rotation + 9 * first, count);
      for (const FluenceGroup& group : groups) match_group(group, first, count);
    }
    rank();
  }

 private:
  template <class T>
  static T* data(compute::Buffer<T, D>& buffer) {
    return buffer.view(buffer.size()).data;
  }
  template <class T>
  static const T* uploaded(compute::Buffer<T, D>& buffer, const T* from) {
    buffer.upload({from, static_cast<std::size_t>(buffer.size())});
    return data(buffer);
  }
  Index block() const {
    return std::max<Index>(std::min(task_.block_references, task_.references), 1);
  }

  /// Without a background all frames are alike. Reads fluences back where they come from photons.
  std::vector<FluenceGroup> groups_of_frames() {
    constexpr double kStep = 0.2;  // of ln fluence: agree within half of it
    const std::vector<double> fluence = pixels_.fluences();
    std::map<long, FluenceGroup> found;
    for (Index i = 0; i < frames_.frames(); ++i) {
      const long group =
          fluence.empty() ? 0 : std::lround(std::log(fluence[static_cast<std::size_t>(i)]) / kStep);
      FluenceGroup& mine = found[group];
      mine.fluence = std::exp(static_cast<double>(group) * kStep);
      mine.frames.push_back(static_cast<std::int32_t>(i));
    }
    std::vector<FluenceGroup> groups;
    for (auto& [key, group] : found) groups.push_back(std::move(group));
    return groups;
  }

  void match_group(const FluenceGroup& group, Index first, Index count) {
    const EntryForm form = pixels_.form(group.fluence);
    parallel_for(
        device_, pixels_.size() + 1,
        CentreEntries{form, typical_.table(), task_.typicals, pixels_.size(), data(centre_)});
    launch(device_, PackEntries{form, slices_.table(), data(centre_), pixels_.entry_scale(), count,
                                pixels_.size(), depth_, data(entries_), data(bias_)});
    device_.copy_in(data(member_), group.frames.data(), group.frames.size() * sizeof(std::int32_t));
    const auto all = static_cast<Index>(group.frames.size());
    for (Index begin = 0; begin < all; begin += tile_frames_) {
      match_tile(data(member_) + begin, std::min(tile_frames_, all - begin), first, count);
    }
  }

  /// Some frames against all references of the block.
  void match_tile(const std::int32_t* member, Index frames, Index first, Index count) {
    launch(device_, PackFrames{frames_.view(), pixels_.choice(), pixels_.roots(), member, frames,
                               pixels_.sums(), depth_, data(packed_)});
    for (Index j = 0; j < count; j += tile_references_) {
      const Index width = std::min(tile_references_, count - j);
      product_({data(packed_), frames, depth_}, {data(entries_) + j * depth_, width, depth_},
               data(scores_), tile_references_);
      launch(device_,
             KeepBest{data(scores_), tile_references_, data(bias_) + j, frames,
                      static_cast<int>(width), static_cast<std::int32_t>(first + j), member,
                      pixels_.sums(), pixels_.fluence(), pixels_.entry_scale(), data(key_)});
    }
    launch(device_,
           ScoreBest{frames_.view(), pixels_.choice(), pixels_.term(), pixels_.background(),
                     pixels_.score(), slices_.table(), static_cast<std::int32_t>(first), member,
                     frames, pixels_.sums(), pixels_.fluence(), data(key_), data(exact_)});
  }

  void rank() {
    const Index all = frames_.frames() * task_.top;
    compute::Buffer<std::int32_t, D> reference(device_, all);
    compute::Buffer<float, D> score(device_, all);
    parallel_for(device_, frames_.frames(),
                 RankBest{task_.top, data(key_), data(exact_), data(reference), data(score)});
    reference.download({task_.reference, static_cast<std::size_t>(all)});
    score.download({task_.best, static_cast<std::size_t>(all)});
  }

  D& device_;
  const FrameSet<D>& frames_;
  const MatchTask& task_;
  ScoredPixels<D> pixels_;
  HalfProduct<D> product_;
  Index depth_, tile_frames_, tile_references_;
  compute::Buffer<float, D> cells_;
  DeviceSlices<D> typical_, slices_;
  compute::Buffer<std::uint16_t, D> entries_;
  compute::Buffer<float, D> bias_, centre_;
  compute::Buffer<std::uint16_t, D> packed_;
  compute::Buffer<float, D> scores_;
  compute::Buffer<std::int32_t, D> member_;
  compute::Buffer<Key, D> key_;
  compute::Buffer<float, D> exact_;
};

}  // namespace unfold::spi
