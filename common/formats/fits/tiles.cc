#include "common/formats/fits/tiles.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/errors.h"
#include "common/formats/fits/scan.h"

namespace unfold::fits {
namespace {

constexpr std::int64_t kMaxTileRatio = 1100;  // gzip's limit; Rice's blocks stay below
constexpr std::int64_t kMaxPixels = (std::int64_t{1} << 28) - 1;  // CFITSIO: a tile's bytes in int
constexpr std::int64_t kMaxDitherSeed = 10'000;

absl::Status bad_tiles(std::string why) {
  return error({.reason = "BAD_STRUCTURE", .what = std::move(why)});
}

absl::StatusOr<std::int64_t> integer_or(const Header& header, const std::string& key,
                                        std::int64_t otherwise) {
  return header.has(key) ? header.integer(key) : otherwise;
}

absl::Status read_algorithm(const Header& header, TileLayout& layout) {
  UNFOLD_ASSIGN_OR_RETURN(layout.algorithm, header.string("ZCMPTYPE"));
  if (layout.algorithm == "RICE_ONE") layout.algorithm = "RICE_1";
  if (!layout.rice() && layout.algorithm != "GZIP_1" && layout.algorithm != "GZIP_2") {
    return bad_tiles(
        absl::StrCat("compression ", printable(layout.algorithm), " is not supported"));
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

absl::Status read_shape(const Hdu& hdu, TileLayout& out) {
  const Header& header = hdu.header;
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t bitpix, header.integer("ZBITPIX"));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t axes, header.integer("ZNAXIS"));
  if ((bitpix != 8 && bitpix != 16 && bitpix != 32 && bitpix != -32 && bitpix != -64) ||
      axes != 2) {
    return bad_tiles(absl::StrCat("a compressed image of ZBITPIX ", bitpix, " and ZNAXIS ", axes,
                                  " is not supported"));
  }
  out.bitpix = static_cast<int>(bitpix);
  UNFOLD_ASSIGN_OR_RETURN(out.nx, header.integer("ZNAXIS1"));
  UNFOLD_ASSIGN_OR_RETURN(out.ny, header.integer("ZNAXIS2"));
  std::int64_t pixels = 0;
  const std::int64_t most =
      std::min(kMaxPixels, static_cast<std::int64_t>(hdu.data_bytes) * kMaxTileRatio);
  if (out.nx < 1 || out.ny < 1 || __builtin_mul_overflow(out.nx, out.ny, &pixels) ||
      pixels > most) {
    return error({.reason = "TOO_LARGE",
                  .what = absl::StrCat("the compressed image claims ", out.nx, " x ", out.ny,
                                       " pixels, more than its data can hold")});
  }
  UNFOLD_ASSIGN_OR_RETURN(out.tile_nx, integer_or(header, "ZTILE1", out.nx));
  UNFOLD_ASSIGN_OR_RETURN(out.tile_ny, integer_or(header, "ZTILE2", 1));
  if (out.tile_nx < 1 || out.tile_ny < 1 || out.tile_nx > out.nx || out.tile_ny > out.ny ||
      out.tiles_across() * out.tiles_down() != hdu.axes[1]) {
    return bad_tiles("the tiles do not cover the compressed image");
  }
  return absl::OkStatus();
}

// The columns that CFITSIO would look at; any other could change what it reads.
absl::Status check_columns(const Hdu& hdu, TileLayout& out) {
  bool code = false;
  bool real_code = false;
  bool scale = false;
  bool zero = false;
  for (std::size_t i = 0; i < hdu.columns.size(); ++i) {
    const Column& column = hdu.columns[i];
    const bool is_code = column.name == "COMPRESSED_DATA";
    bool known = column.repeat == 1;
    if (is_code || column.name == "GZIP_COMPRESSED_DATA") {
      const std::string form = hdu.header.string(absl::StrCat("TFORM", i + 1)).value_or("");
      const std::size_t letter = form.find(column.type);
      known = known && (column.type == 'P' || column.type == 'Q') &&
              form.substr(letter + 1, 1) == "B" && !std::exchange(is_code ? code : real_code, true);
    } else if (column.name == "ZSCALE") {
      known = known && column.type == 'D' && !std::exchange(scale, true);
    } else if (column.name == "ZZERO") {
      known = known && column.type == 'D' && !std::exchange(zero, true);
    } else {
      known = false;
    }
    if (!known) {
      return bad_tiles(absl::StrCat("column ", i + 1, " (", printable(column.name),
                                    ") is not one of a supported compressed image"));
    }
  }
  if (!code) return bad_tiles("there is no column COMPRESSED_DATA");
  if (scale != zero || (scale && out.bitpix > 0)) return bad_tiles("ZSCALE or ZZERO is misplaced");
  out.quantised = scale;
  return absl::OkStatus();
}

absl::Status read_numbers(const Header& header, TileLayout& out) {
  UNFOLD_ASSIGN_OR_RETURN(out.zero, integer_or(header, "BZERO", 0));
  UNFOLD_ASSIGN_OR_RETURN(const std::int64_t scale, integer_or(header, "BSCALE", 1));
  if (scale != 1 || (out.bitpix < 0 && out.zero != 0)) {
    return bad_tiles("BSCALE or BZERO of a compressed image is not supported");
  }
  // CFITSIO sizes a tile by ZBITPIX; other widths would not fit it.
  const int width = out.bytes_per_value;
  if (out.rice() && width != 4 && 8 * width != out.bitpix) {
    return bad_tiles("BYTEPIX does not go with ZBITPIX");
  }
  if (out.bitpix > 0) return absl::OkStatus();
  if (!out.quantised && (header.has("ZSCALE") || header.has("ZZERO"))) {
    return bad_tiles("ZSCALE or ZZERO for all tiles is not supported");
  }
  if (!out.quantised) return absl::OkStatus();
  if (header.has("ZQUANTIZ")) {
    UNFOLD_ASSIGN_OR_RETURN(out.quantiser, header.string("ZQUANTIZ"));
    if (out.quantiser != "NO_DITHER" && out.quantiser != "SUBTRACTIVE_DITHER_1" &&
        out.quantiser != "SUBTRACTIVE_DITHER_2") {
      return bad_tiles(absl::StrCat("ZQUANTIZ ", printable(out.quantiser), " is not supported"));
    }
  }
  UNFOLD_ASSIGN_OR_RETURN(out.dither_seed, integer_or(header, "ZDITHER0", 1));
  if (out.dither_seed < 1 || out.dither_seed > kMaxDitherSeed) {
    return bad_tiles(absl::StrCat("ZDITHER0 is ", out.dither_seed));
  }
  UNFOLD_ASSIGN_OR_RETURN(out.blank, integer_or(header, "ZBLANK", out.blank));
  return out.blank == static_cast<std::int32_t>(out.blank)
             ? absl::OkStatus()
             : bad_tiles(absl::StrCat("ZBLANK is ", out.blank));
}

}  // namespace

absl::StatusOr<TileLayout> read_tile_layout(const Hdu& hdu) {
  TileLayout out;
  UNFOLD_RETURN_IF_ERROR(read_algorithm(hdu.header, out));
  UNFOLD_RETURN_IF_ERROR(read_shape(hdu, out));
  UNFOLD_RETURN_IF_ERROR(check_columns(hdu, out));
  UNFOLD_RETURN_IF_ERROR(read_numbers(hdu.header, out));
  return out;
}

}  // namespace unfold::fits
