#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/formats/spi/reduction.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// The pixels of one frame that are not 0, reduced, bad ones left out: in increasing order.
struct Row {
  std::span<const std::uint32_t> pixel;
  std::span<const float> count;
};

/// Calls `take` with each of `frames` (increasing). BAD_PIXEL names the first number that is NaN,
/// infinite or negative. `stored` is the detector before, `after` that after the reduction.
absl::Status for_each_frame(const PatternSource& source, std::span<const std::int64_t> frames,
                            const Detector& stored, const Detector& after, const PixelMap& map,
                            const std::function<void(const Row&)>& take);

}  // namespace unfold::spi_data
