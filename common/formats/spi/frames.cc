#include "common/formats/spi/frames.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::spi_data {
namespace {

constexpr std::int64_t kBlockBytes = std::int64_t{64} << 20;

// Takes one frame's numbers and gives its row.
class Reducer {
 public:
  Reducer(const Detector& stored, const Detector& after, const PixelMap& map)
      : stored_(stored), after_(after), map_(map), sum_(after.mask.size()), hit_(sum_.size()) {}

  /// False where a number is none that a detector can count.
  bool add(std::size_t pixel, float value) {
    if (value == 0 || stored_.mask[pixel] == kBad || map_.to[pixel] < 0) return true;
    if (!(value > 0) || std::isinf(value)) return false;
    const auto to = static_cast<std::uint32_t>(map_.to[pixel]);
    if (after_.mask[to] == kBad) return true;
    if (hit_[to] == 0) touched_.push_back(to);
    hit_[to] = 1;
    sum_[to] += value;
    return true;
  }

  Row row() {
    if (!std::is_sorted(touched_.begin(), touched_.end())) {
      std::sort(touched_.begin(), touched_.end());
    }
    count_.clear();
    for (const std::uint32_t pixel : touched_) count_.push_back(static_cast<float>(sum_[pixel]));
    return {touched_, count_};
  }

  void clear() {
    for (const std::uint32_t pixel : touched_) {
      sum_[pixel] = 0;
      hit_[pixel] = 0;
    }
    touched_.clear();
  }

 private:
  const Detector& stored_;
  const Detector& after_;
  const PixelMap& map_;
  std::vector<double> sum_;
  std::vector<std::uint8_t> hit_;
  std::vector<std::uint32_t> touched_;
  std::vector<float> count_;
};

absl::Status bad_pixel(const PatternSource& source, std::int64_t frame, std::size_t pixel,
                       float value) {
  return error(
      {.reason = "BAD_PIXEL",
       .field = "data",
       .what = absl::StrCat("cannot use ", source.place_of(frame)),
       .why = absl::StrCat(pixel_text(source.header().shape, static_cast<std::int64_t>(pixel)),
                           " is ", value),
       .remedy = "mask that pixel, or store photons: numbers from 0"});
}

absl::Status take_frame(const PatternSource& source, const Block& block, std::size_t at,
                        std::int64_t frame, Reducer& reducer) {
  if (block.is_sparse()) {
    const auto stop = static_cast<std::size_t>(block.first[at + 1]);
    for (auto k = static_cast<std::size_t>(block.first[at]); k < stop; ++k) {
      if (!reducer.add(block.pixel[k], block.count[k])) {
        return bad_pixel(source, frame, block.pixel[k], block.count[k]);
      }
    }
    return absl::OkStatus();
  }
  const auto pixels = static_cast<std::size_t>(source.header().pixels());
  for (std::size_t p = 0; p < pixels; ++p) {
    const float value = block.dense[at * pixels + p];
    if (!reducer.add(p, value)) return bad_pixel(source, frame, p, value);
  }
  return absl::OkStatus();
}

std::int64_t frames_at_once(const Header& header) {
  const std::int64_t frame_bytes = std::max<std::int64_t>(
      header.sparse ? 8 * header.entries / std::max<std::int64_t>(header.frames, 1)
                    : 4 * header.pixels(),
      1);
  const std::int64_t chunk = std::max<std::int64_t>(header.chunk_frames, 1);
  return std::max<std::int64_t>(kBlockBytes / frame_bytes / chunk, 1) * chunk;
}

}  // namespace

absl::Status for_each_frame(const PatternSource& source, std::span<const std::int64_t> frames,
                            const Detector& stored, const Detector& after, const PixelMap& map,
                            const std::function<void(const Row&)>& take) {
  Reducer reducer(stored, after, map);
  const std::int64_t total = source.header().frames;
  const std::int64_t step = frames_at_once(source.header());
  auto next = frames.begin();
  while (next != frames.end()) {
    const std::int64_t first = *next / step * step;
    const std::int64_t count = std::min(step, total - first);
    UNFOLD_ASSIGN_OR_RETURN(const Block block, source.read(first, count));
    for (; next != frames.end() && *next < first + count; ++next) {
      UNFOLD_RETURN_IF_ERROR(
          take_frame(source, block, static_cast<std::size_t>(*next - first), *next, reducer));
      take(reducer.row());
      reducer.clear();
    }
  }
  return absl::OkStatus();
}

}  // namespace unfold::spi_data
