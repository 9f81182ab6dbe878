#include "common/formats/fits/tiles.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/rice.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {
namespace {

constexpr std::int64_t kMaxTileRatio = 1100;  // gzip's limit; Rice's blocks stay below

absl::Status bad_tiles(std::string why) {
  return error({.reason = "BAD_STRUCTURE", .what = std::move(why)});
}

absl::StatusOr<std::int64_t> integer_or(const Header& header, const std::string& key,
                                        std::int64_t otherwise) {
  return header.has(key) ? header.integer(key) : otherwise;
}

absl::Status read_algorithm(const Header& header, TileLayout& layout) {
  UNFOLD_ASSIGN_OR_RETURN(const std::string name, header.string("ZCMPTYPE"));
  if (name == "RICE_1" || name == "RICE_ONE") {
    layout.algorithm = TileLayout::Algorithm::kRice;
  } else if (name == "GZIP_1") {
    layout.algorithm = TileLayout::Algorithm::kGzip;
  } else if (name == "GZIP_2") {
    layout.algorithm = TileLayout::Algorithm::kGzipShuffled;
  } else {
    return bad_tiles(absl::StrCat("compression ", printable(name), " is not supported"));
  }
  std::int64_t bytes = 4;
  for (int i = 1; header.has(absl::StrCat("ZNAME", i)); ++i) {
    UNFOLD_ASSIGN_OR_RETURN(const std::string option, header.string(absl::StrCat("ZNAME", i)));
    if (option != "BLOCKSIZE" && option != "BYTEPIX") continue;
    UNFOLD_ASSIGN_OR_RETURN(const std::int64_t value, header.integer(absl::StrCat("ZVAL", i)));
    (option == "BYTEPIX" ? bytes : layout.block_values) = value;
  }
  if (layout.block_values < 1 || layout.block_values > 64 ||
      (bytes != 1 && bytes != 2 && bytes != 4)) {
    return bad_tiles("BLOCKSIZE or BYTEPIX is out of range");
  }
  layout.bytes_per_value = static_cast<int>(bytes);
  return absl::OkStatus();
}

std::int64_t count_of(std::int64_t size, std::int64_t step) { return (size + step - 1) / step; }

// The bytes of one tile in the heap, by the descriptor in its row.
std::optional<std::span<const std::byte>> tile_bytes(std::span<const std::byte> data,
                                                     const Hdu& hdu, const Column& column,
                                                     std::int64_t row) {
  const std::uint64_t rows_end =
      static_cast<std::uint64_t>(hdu.axes[0]) * static_cast<std::uint64_t>(hdu.axes[1]);
  const std::uint64_t heap = static_cast<std::uint64_t>(
      hdu.header.integer("THEAP").value_or(static_cast<std::int64_t>(rows_end)));
  const std::byte* at = data.data() + static_cast<std::size_t>(row * hdu.axes[0]) + column.offset;
  const bool wide = column.type == 'Q';
  const std::uint64_t size = wide ? load_big<std::uint64_t>(at) : load_big<std::uint32_t>(at);
  const std::uint64_t offset =
      wide ? load_big<std::uint64_t>(at + 8) : load_big<std::uint32_t>(at + 4);
  if (heap > data.size() || offset > data.size() - heap || size > data.size() - heap - offset) {
    return std::nullopt;
  }
  return data.subspan(heap + offset, size);
}

std::int32_t value_at(const std::byte* at, int bitpix) {
  switch (bitpix) {
    case 8:
      return load_big<std::uint8_t>(at);
    case 16:
      return load_big<std::int16_t>(at);
    default:
      return load_big<std::int32_t>(at);
  }
}

absl::Status gunzip_tile(std::span<const std::byte> code, const TileLayout& layout,
                         std::span<std::int32_t> out) {
  UNFOLD_ASSIGN_OR_RETURN(const Buffer plain, gunzip(code, "a tile"));
  const std::size_t width = static_cast<std::size_t>(layout.bitpix / 8);
  if (plain.size != out.size() * width) return bad_tiles("a tile has the wrong size");
  const bool shuffled = layout.algorithm == TileLayout::Algorithm::kGzipShuffled;
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::byte value[4];
    for (std::size_t b = 0; b < width; ++b) {
      value[b] = plain.data.get()[shuffled ? b * out.size() + i : i * width + b];
    }
    out[i] = value_at(value, layout.bitpix);
  }
  return absl::OkStatus();
}

absl::Status decode_tile(std::span<const std::byte> code, const TileLayout& layout,
                         std::span<std::int32_t> out) {
  if (layout.algorithm != TileLayout::Algorithm::kRice) return gunzip_tile(code, layout, out);
  if (!rice_decode(code, layout.bytes_per_value, layout.block_values, out)) {
    return bad_tiles("a tile ends early");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TileLayout> read_tile_layout(const Hdu& hdu) {
  const Header& header = hdu.header;
  TileLayout out;
  UNFOLD_RETURN_IF_ERROR(read_algorithm(header, out));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t bitpix, header.integer("ZBITPIX"));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t axes, header.integer("ZNAXIS"));
  if ((bitpix != 8 && bitpix != 16 && bitpix != 32) || axes != 2) {
    return bad_tiles("the compressed image is not a two-dimensional integer one");
  }
  out.bitpix = static_cast<int>(bitpix);
  UNFOLD_ASSIGN_OR_RETURN(out.nx, header.integer("ZNAXIS1"));
  UNFOLD_ASSIGN_OR_RETURN(out.ny, header.integer("ZNAXIS2"));
  std::int64_t bytes = 0;
  const std::int64_t most = std::min<std::int64_t>(
      kMaxFileBytes / 4, static_cast<std::int64_t>(hdu.data_bytes) * kMaxTileRatio);
  if (out.nx < 1 || out.ny < 1 || __builtin_mul_overflow(out.nx, out.ny, &bytes) || bytes > most) {
    return error({.reason = "TOO_LARGE",
                  .what = absl::StrCat("the compressed image claims ", out.nx, " x ", out.ny,
                                       " pixels, more than its data can hold")});
  }
  UNFOLD_ASSIGN_OR_RETURN(out.tile_nx, integer_or(header, "ZTILE1", out.nx));
  UNFOLD_ASSIGN_OR_RETURN(out.tile_ny, integer_or(header, "ZTILE2", 1));
  if (out.tile_nx < 1 || out.tile_ny < 1 || out.tile_nx > out.nx || out.tile_ny > out.ny ||
      count_of(out.nx, out.tile_nx) * count_of(out.ny, out.tile_ny) != hdu.axes[1]) {
    return bad_tiles("the tiles do not cover the compressed image");
  }
  UNFOLD_ASSIGN_OR_RETURN(out.zero, integer_or(header, "BZERO", 0));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t scale, integer_or(header, "BSCALE", 1));
  if (scale != 1) return bad_tiles("BSCALE of an integer image is not 1");
  return out;
}

absl::Status decompress_tiles(const LoadedFile& file, const Hdu& hdu, const TileLayout& layout,
                              std::span<std::int32_t> out) {
  const auto column = std::find_if(hdu.columns.begin(), hdu.columns.end(), [](const Column& c) {
    return c.name == "COMPRESSED_DATA" && c.repeat == 1 && (c.type == 'P' || c.type == 'Q');
  });
  if (column == hdu.columns.end()) return bad_tiles("there is no column COMPRESSED_DATA");
  const std::span<const std::byte> data = file.data(hdu);
  const std::int64_t across = count_of(layout.nx, layout.tile_nx);
  std::vector<std::int32_t> tile;
  for (std::int64_t row = 0; row < hdu.axes[1]; ++row) {
    const std::int64_t x = row % across * layout.tile_nx;
    const std::int64_t y = row / across * layout.tile_ny;
    const std::int64_t width = std::min(layout.tile_nx, layout.nx - x);
    const std::int64_t height = std::min(layout.tile_ny, layout.ny - y);
    tile.resize(static_cast<std::size_t>(width * height));
    const auto code = tile_bytes(data, hdu, *column, row);
    if (!code || code->empty()) return bad_tiles(absl::StrCat("tile ", row, " is missing"));
    UNFOLD_RETURN_IF_ERROR(decode_tile(*code, layout, tile));
    for (std::int64_t line = 0; line < height; ++line) {
      std::transform(tile.begin() + line * width, tile.begin() + (line + 1) * width,
                     out.begin() + (y + line) * layout.nx + x, [&](std::int32_t value) {
                       return static_cast<std::int32_t>(value + layout.zero);
                     });
    }
  }
  return absl::OkStatus();
}

}  // namespace unfold::fits
