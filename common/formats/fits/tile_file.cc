#include <algorithm>
#include <cstdlib>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"
#include "common/formats/fits/big_endian.h"
#include "common/formats/fits/scan.h"
#include "common/formats/fits/tile_codes.h"
#include "common/formats/fits/tiles.h"

namespace unfold::fits {
namespace {

constexpr std::uint64_t kMaxCode = std::uint64_t{1} << 30;  // CFITSIO takes a code's size as int

absl::Status damaged(std::int64_t tile) {
  return error({.reason = "BAD_STRUCTURE", .what = absl::StrCat("tile ", tile, " is damaged")});
}

// The tiles of one HDU, each with its code in the heap.
class Tiles {
 public:
  Tiles(const LoadedFile& file, const Hdu& hdu, const TileLayout& layout)
      : hdu_(hdu), layout_(layout), data_(file.data(hdu)) {
    for (const Column& column : hdu.columns) {
      if (column.name == "COMPRESSED_DATA") code_ = &column;
      if (column.name == "GZIP_COMPRESSED_DATA") real_code_ = &column;
    }
    const std::int64_t rows_end = hdu.axes[0] * hdu.axes[1];
    heap_ = static_cast<std::uint64_t>(hdu.header.integer("THEAP").value_or(rows_end));
  }

  std::uint64_t heap() const { return heap_; }

  absl::Status check() {
    const std::int64_t across = layout_.tiles_across();
    for (std::int64_t row = 0; row < hdu_.axes[1]; ++row) {
      const std::int64_t x = row % across * layout_.tile_nx;
      const std::int64_t y = row / across * layout_.tile_ny;
      const std::int64_t pixels =
          std::min(layout_.tile_nx, layout_.nx - x) * std::min(layout_.tile_ny, layout_.ny - y);
      if (!holds(row, pixels)) return damaged(row);
    }
    return absl::OkStatus();
  }

 private:
  // CFITSIO takes the second column where the first is empty: real numbers that could not be
  // quantised.
  bool holds(std::int64_t row, std::int64_t pixels) {
    const bool real = layout_.bitpix < 0;
    std::optional<std::span<const std::byte>> code = bytes(*code_, row);
    if (code && !code->empty()) {
      if (!layout_.rice()) return gzip_holds(*code, pixels);
      return real == layout_.quantised &&
             rice_code_ends_inside(*code, layout_.bytes_per_value, layout_.block_values, pixels);
    }
    if (!code || !real || real_code_ == nullptr) return false;
    code = bytes(*real_code_, row);
    return code && !code->empty() && plain_holds(*code, pixels, std::abs(layout_.bitpix) / 8);
  }

  // CFITSIO writes doubles that it was given as floats as floats.
  bool gzip_holds(std::span<const std::byte> code, std::int64_t pixels) {
    const bool real = layout_.bitpix < 0;
    return (real && plain_holds(code, pixels, 4)) ||
           (!layout_.quantised && plain_holds(code, pixels, std::abs(layout_.bitpix) / 8));
  }

  bool plain_holds(std::span<const std::byte> code, std::int64_t pixels, int width) {
    plain_.resize(static_cast<std::size_t>(pixels * width));
    return gzip_code_holds(code, plain_);
  }

  std::optional<std::span<const std::byte>> bytes(const Column& column, std::int64_t row) const {
    const std::byte* at =
        data_.data() + static_cast<std::size_t>(row * hdu_.axes[0]) + column.offset;
    const bool wide = column.type == 'Q';
    const std::uint64_t size = wide ? load_big<std::uint64_t>(at) : load_big<std::uint32_t>(at);
    const std::uint64_t offset =
        wide ? load_big<std::uint64_t>(at + 8) : load_big<std::uint32_t>(at + 4);
    if (heap_ > data_.size() || offset > data_.size() - heap_ ||
        size > data_.size() - heap_ - offset || size > kMaxCode) {
      return std::nullopt;
    }
    return data_.subspan(heap_ + offset, size);
  }

  const Hdu& hdu_;
  const TileLayout& layout_;
  std::span<const std::byte> data_;
  const Column* code_ = nullptr;
  const Column* real_code_ = nullptr;  // or none
  std::uint64_t heap_ = 0;
  std::vector<std::byte> plain_;
};

Header primary_header() {
  Header out;
  out.set("SIMPLE", true);
  out.set("BITPIX", 8);
  out.set("NAXIS", 0);
  out.set("EXTEND", true);
  return out;
}

void add_table_cards(const Hdu& hdu, std::uint64_t heap, Header& out) {
  out.set("XTENSION", "BINTABLE");
  out.set("BITPIX", 8);
  out.set("NAXIS", 2);
  out.set("NAXIS1", hdu.axes[0]);
  out.set("NAXIS2", hdu.axes[1]);
  out.set("PCOUNT", static_cast<std::int64_t>(hdu.data_bytes) - hdu.axes[0] * hdu.axes[1]);
  out.set("GCOUNT", 1);
  out.set("TFIELDS", static_cast<int>(hdu.columns.size()));
  for (std::size_t i = 0; i < hdu.columns.size(); ++i) {
    const char type = hdu.columns[i].type;
    out.set(absl::StrCat("TTYPE", i + 1), hdu.columns[i].name);
    out.set(absl::StrCat("TFORM", i + 1), type == 'D' ? "1D" : type == 'P' ? "1PB" : "1QB");
  }
  out.set("THEAP", static_cast<std::int64_t>(heap));
}

void add_image_cards(const TileLayout& layout, Header& out) {
  out.set("ZIMAGE", true);
  out.set("ZCMPTYPE", layout.algorithm);
  out.set("ZBITPIX", layout.bitpix);
  out.set("ZNAXIS", 2);
  out.set("ZNAXIS1", layout.nx);
  out.set("ZNAXIS2", layout.ny);
  out.set("ZTILE1", layout.tile_nx);
  out.set("ZTILE2", layout.tile_ny);
  if (layout.rice()) {
    out.set("ZNAME1", "BLOCKSIZE");
    out.set("ZVAL1", layout.block_values);
    out.set("ZNAME2", "BYTEPIX");
    out.set("ZVAL2", layout.bytes_per_value);
  }
  if (!layout.quantiser.empty()) out.set("ZQUANTIZ", layout.quantiser);
  if (layout.quantised) {
    out.set("ZDITHER0", layout.dither_seed);
    out.set("ZBLANK", layout.blank);
  }
  if (layout.zero != 0) out.set("BZERO", layout.zero);
}

void append_padded(std::span<const std::byte> bytes, std::byte padding,
                   std::vector<std::byte>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
  out.resize((out.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes, padding);
}

void append_header(const Header& header, std::vector<std::byte>& out) {
  const std::string text = absl::StrJoin(header.cards(), "") + "END";
  append_padded(std::as_bytes(std::span(text)), std::byte{' '}, out);
}

}  // namespace

absl::StatusOr<std::vector<std::byte>> checked_tile_file(const LoadedFile& file, const Hdu& hdu,
                                                         const TileLayout& layout) {
  Tiles tiles(file, hdu, layout);
  UNFOLD_RETURN_IF_ERROR(tiles.check());
  Header header;
  add_table_cards(hdu, tiles.heap(), header);
  add_image_cards(layout, header);
  std::vector<std::byte> out;
  append_header(primary_header(), out);
  append_header(header, out);
  append_padded(file.data(hdu), std::byte{0}, out);
  return out;
}

}  // namespace unfold::fits
