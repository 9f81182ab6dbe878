#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// Where each stored pixel goes.
struct PixelMap {
  std::array<std::int64_t, 3> shape{};  ///< panels, rows, columns afterwards
  std::vector<std::int32_t> to;         ///< [P] of the reduced pixels, or -1: clipped away

  std::int64_t pixels() const { return shape[0] * shape[1] * shape[2]; }
};
absl::StatusOr<PixelMap> pixel_map(const std::array<std::int64_t, 3>& shape,
                                   const Reduction& reduction);

/// "panel 0, row 3, column 7"
std::string pixel_text(const std::array<std::int64_t, 3>& shape, std::int64_t pixel);

}  // namespace unfold::spi_data
