#include "common/formats/fits/images.h"

#include <type_traits>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/cfitsio.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/tiles.h"

namespace unfold::fits {
namespace {

struct Scaling {
  double zero = 0;
  double scale = 1;
  bool identity() const { return zero == 0 && scale == 1; }
};

absl::StatusOr<Scaling> scaling_of(const Header& header) {
  Scaling out;
  if (header.has("BZERO")) {
    UNFOLD_ASSIGN_OR_RETURN(out.zero, header.real("BZERO"));
  }
  if (header.has("BSCALE")) {
    UNFOLD_ASSIGN_OR_RETURN(out.scale, header.real("BSCALE"));
  }
  return out;
}

// double -> integer conversion is undefined out of range; masks never get there.
template <class T>
T narrowed(double value) {
  if constexpr (std::is_integral_v<T>) {
    if (!(value >= -9.2e18 && value <= 9.2e18)) return 0;
    return static_cast<T>(static_cast<std::int64_t>(value));
  } else {
    return static_cast<T>(value);
  }
}

template <class T, class Stored>
std::vector<T> convert(std::span<const std::byte> data, const Scaling& scaling) {
  const std::size_t count = data.size() / sizeof(Stored);
  std::vector<T> out(count);
  if (scaling.identity() && std::is_floating_point_v<T> == std::is_floating_point_v<Stored>) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = static_cast<T>(load_big<Stored>(data.data() + i * sizeof(Stored)));
    }
    return out;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double stored = static_cast<double>(load_big<Stored>(data.data() + i * sizeof(Stored)));
    out[i] = narrowed<T>(stored * scaling.scale + scaling.zero);
  }
  return out;
}

template <class T>
absl::StatusOr<std::vector<T>> decompressed(const TileLayout& layout,
                                            std::span<const std::byte> tile_file) {
  std::vector<T> out(static_cast<std::size_t>(layout.nx * layout.ny));
  UNFOLD_RETURN_IF_ERROR(decompress_image(tile_file, std::span(out)));
  return out;
}

// Integers pass through the type that holds them; a T of other sign keeps their bits.
template <class T>
absl::StatusOr<std::vector<T>> read_tiles(const LoadedFile& file, const Hdu& hdu) {
  constexpr std::int64_t kUnsignedZero = std::int64_t{1} << 31;
  UNFOLD_ASSIGN_OR_RETURN(const TileLayout layout, read_tile_layout(hdu));
  if (std::is_integral_v<T> && layout.bitpix < 0) {
    return error({.reason = "BAD_STRUCTURE", .what = "the compressed image is not an integer one"});
  }
  UNFOLD_ASSIGN_OR_RETURN(const std::vector<std::byte> tiles, checked_tile_file(file, hdu, layout));
  if constexpr (std::is_floating_point_v<T>) {
    return decompressed<T>(layout, tiles);
  } else if (layout.zero == kUnsignedZero) {
    UNFOLD_ASSIGN_OR_RETURN(auto values, decompressed<std::uint32_t>(layout, tiles));
    return std::vector<T>(values.begin(), values.end());
  } else {
    UNFOLD_ASSIGN_OR_RETURN(auto values, decompressed<std::int32_t>(layout, tiles));
    return std::vector<T>(values.begin(), values.end());
  }
}

absl::Status not_an_image(std::string_view shown, const Hdu& hdu) {
  return bad_file(shown, "WRONG_TYPE", absl::StrCat("HDU ", printable(hdu.name), " is no image"),
                  "check that this is the right file");
}

}  // namespace

template <class T>
absl::StatusOr<std::vector<T>> read_image(const LoadedFile& file, const Hdu& hdu) {
  const std::string_view shown = file.structure.shown;
  if constexpr (!std::is_same_v<T, double>) {
    if (hdu.compressed_image) {
      absl::StatusOr<std::vector<T>> out = read_tiles<T>(file, hdu);
      if (!out.ok()) return in_file(out.status(), shown, "HDU " + hdu.name);
      return out;
    }
  }
  if (hdu.type != HduType::kImage) return not_an_image(shown, hdu);
  const absl::StatusOr<Scaling> scaling = scaling_of(hdu.header);
  if (!scaling.ok()) return in_file(scaling.status(), shown, "HDU " + hdu.name);
  const std::span<const std::byte> data = file.data(hdu);
  switch (hdu.bitpix) {
    case 8:
      return convert<T, std::uint8_t>(data, *scaling);
    case 16:
      return convert<T, std::int16_t>(data, *scaling);
    case 32:
      return convert<T, std::int32_t>(data, *scaling);
    case 64:
      return convert<T, std::int64_t>(data, *scaling);
    case -32:
      return convert<T, float>(data, *scaling);
    default:
      return convert<T, double>(data, *scaling);
  }
}

template absl::StatusOr<std::vector<float>> read_image(const LoadedFile&, const Hdu&);
template absl::StatusOr<std::vector<double>> read_image(const LoadedFile&, const Hdu&);
template absl::StatusOr<std::vector<std::int32_t>> read_image(const LoadedFile&, const Hdu&);
template absl::StatusOr<std::vector<std::uint32_t>> read_image(const LoadedFile&, const Hdu&);

absl::StatusOr<std::vector<std::int64_t>> image_axes(const Structure& structure, const Hdu& hdu) {
  if (hdu.compressed_image) {
    const absl::StatusOr<TileLayout> layout = read_tile_layout(hdu);
    if (!layout.ok()) return in_file(layout.status(), structure.shown, "HDU " + hdu.name);
    return std::vector<std::int64_t>{layout->nx, layout->ny};
  }
  if (hdu.type != HduType::kImage) return not_an_image(structure.shown, hdu);
  return hdu.axes;
}

}  // namespace unfold::fits
