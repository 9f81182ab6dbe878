#include "common/formats/spi/reduction.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::spi_data {
namespace {

constexpr int kMostHalvings = 12;

absl::Status refused(const std::string& field, const std::string& why) {
  return error({.reason = "BAD_REDUCTION",
                .field = "reduction." + field,
                .what = "the patterns cannot be reduced so",
                .why = why,
                .remedy = "choose smaller steps"});
}

std::string axes_text(const std::array<std::int64_t, 3>& shape) {
  return absl::StrCat("a panel has ", shape[1], " rows and ", shape[2], " columns");
}

}  // namespace

std::string pixel_text(const std::array<std::int64_t, 3>& shape, std::int64_t pixel) {
  const std::int64_t panel_pixels = std::max<std::int64_t>(shape[1] * shape[2], 1);
  const std::int64_t in_panel = pixel % panel_pixels;
  const std::int64_t columns = std::max<std::int64_t>(shape[2], 1);
  return absl::StrCat("panel ", pixel / panel_pixels, ", row ", in_panel / columns, ", column ",
                      in_panel % columns);
}

absl::Status check_reduction(const std::array<std::int64_t, 3>& shape, const Reduction& reduction) {
  if (reduction.clip < 0 || reduction.clip > kMostHalvings) {
    return refused("clip", absl::StrCat(reduction.clip, " is not from 0 to ", kMostHalvings));
  }
  if (reduction.bin < 0 || reduction.bin > kMostHalvings) {
    return refused("bin", absl::StrCat(reduction.bin, " is not from 0 to ", kMostHalvings));
  }
  for (const std::int64_t axis : {shape[1], shape[2]}) {
    const std::int64_t kept = axis >> reduction.clip;
    if (kept < 1) {
      return refused("clip", absl::StrCat(axes_text(shape), ", too few for clip ", reduction.clip));
    }
    if (kept % (std::int64_t{1} << reduction.bin) != 0) {
      return refused("bin", absl::StrCat(axes_text(shape), "; the ", kept,
                                         " that clipping leaves are no multiple of 2^bin = ",
                                         std::int64_t{1} << reduction.bin));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<PixelMap> pixel_map(const std::array<std::int64_t, 3>& shape,
                                   const Reduction& reduction) {
  UNFOLD_RETURN_IF_ERROR(check_reduction(shape, reduction));
  const std::int64_t rows = shape[1] >> reduction.clip;
  const std::int64_t columns = shape[2] >> reduction.clip;
  const std::int64_t top = (shape[1] - rows) / 2;
  const std::int64_t left = (shape[2] - columns) / 2;
  PixelMap out;
  out.shape = {shape[0], rows >> reduction.bin, columns >> reduction.bin};
  out.to.reserve(static_cast<std::size_t>(shape[0] * shape[1] * shape[2]));
  for (std::int64_t panel = 0; panel < shape[0]; ++panel) {
    for (std::int64_t row = 0; row < shape[1]; ++row) {
      for (std::int64_t column = 0; column < shape[2]; ++column) {
        const std::int64_t r = row - top;
        const std::int64_t c = column - left;
        const bool inside = r >= 0 && r < rows && c >= 0 && c < columns;
        const std::int64_t at =
            (panel * out.shape[1] + (r >> reduction.bin)) * out.shape[2] + (c >> reduction.bin);
        out.to.push_back(inside ? static_cast<std::int32_t>(at) : -1);
      }
    }
  }
  return out;
}

absl::StatusOr<Detector> reduced(const Detector& detector, const Reduction& reduction) {
  if (reduction.clip == 0 && reduction.bin == 0) return detector;
  UNFOLD_ASSIGN_OR_RETURN(const PixelMap map, pixel_map(detector.shape, reduction));
  const auto pixels = static_cast<std::size_t>(map.pixels());
  const double share = 1.0 / static_cast<double>(std::int64_t{1} << (2 * reduction.bin));
  Detector out{.q = std::vector<double>(3 * pixels),
               .correction = std::vector<float>(pixels),
               .mask = std::vector<std::uint8_t>(pixels),
               .picture = std::vector<std::int32_t>(2 * pixels, INT32_MAX),
               .shape = map.shape,
               .wavelength = detector.wavelength,
               .distance = detector.distance};
  for (std::size_t p = 0; p < map.to.size(); ++p) {
    if (map.to[p] < 0) continue;
    const auto to = static_cast<std::size_t>(map.to[p]);
    for (std::size_t k = 0; k < 3; ++k) out.q[3 * to + k] += share * detector.q[3 * p + k];
    out.correction[to] += detector.correction[p];
    out.mask[to] = std::max(out.mask[to], detector.mask[p]);
    for (std::size_t k = 0; k < 2 && !detector.picture.empty(); ++k) {
      out.picture[2 * to + k] =
          std::min(out.picture[2 * to + k], detector.picture[2 * p + k] >> reduction.bin);
    }
  }
  if (detector.picture.empty()) out.picture.clear();
  const float largest = *std::max_element(out.correction.begin(), out.correction.end());
  for (float& value : out.correction) value /= largest;
  return out;
}

}  // namespace unfold::spi_data
