#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {

/// Numbers of an image HDU as T (float, double, std::int32_t, std::uint32_t), whatever its BITPIX,
/// with BZERO and BSCALE applied. Tile-compressed images are taken where T is not double (which is
/// for traces), integer ones where T is an integer; CFITSIO decompresses them. WRONG_TYPE for a
/// table.
template <class T>
absl::StatusOr<std::vector<T>> read_image(const LoadedFile& file, const Hdu& hdu);

/// The image's axes, NAXIS1 first, also of a tile-compressed one.
absl::StatusOr<std::vector<std::int64_t>> image_axes(const Structure& structure, const Hdu& hdu);

}  // namespace unfold::fits
