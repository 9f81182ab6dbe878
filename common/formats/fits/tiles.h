#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {

struct Hdu;
struct LoadedFile;

/// How a tile-compressed two-dimensional image is laid out.
struct TileLayout {
  std::string algorithm;  ///< ZCMPTYPE: RICE_1, GZIP_1 or GZIP_2
  int bitpix = 16;        ///< of the image: 8, 16, 32, -32, -64
  std::int64_t nx = 0;
  std::int64_t ny = 0;
  std::int64_t tile_nx = 0;
  std::int64_t tile_ny = 0;
  std::int64_t block_values = 32;  ///< of Rice
  int bytes_per_value = 4;         ///< of Rice
  std::int64_t zero = 0;           ///< BZERO of an integer image
  bool quantised = false;          ///< real numbers stored as integers, a scale and zero per tile
  std::string quantiser;           ///< ZQUANTIZ, or empty
  std::int64_t dither_seed = 1;
  std::int64_t blank = -2147483647;  ///< ZBLANK of quantised numbers, by default CFITSIO's own

  std::int64_t tiles_across() const { return (nx + tile_nx - 1) / tile_nx; }
  std::int64_t tiles_down() const { return (ny + tile_ny - 1) / tile_ny; }
  bool rice() const { return algorithm == "RICE_1"; }
};

/// Reads and checks the Z keywords and columns of an HDU with compressed_image set. Refused
/// (BAD_STRUCTURE, TOO_LARGE): images that are not two-dimensional, algorithms other than RICE_1,
/// GZIP_1 and GZIP_2 (CFITSIO's decoders of HCOMPRESS_1 and PLIO_1 trust their input), 2^28 pixels
/// or more, tiles that disagree with the table's rows, columns of other names. Source: FITS
/// standard 4.0, section 10.
absl::StatusOr<TileLayout> read_tile_layout(const Hdu& hdu);

/// A FITS file in memory that CFITSIO may read: an empty primary HDU, then the image with a header
/// of our own making that says only what was checked. Every tile's place lies in the heap and its
/// code holds the tile's pixels. BAD_STRUCTURE where a tile is damaged.
absl::StatusOr<std::vector<std::byte>> checked_tile_file(const LoadedFile& file, const Hdu& hdu,
                                                         const TileLayout& layout);

}  // namespace unfold::fits
