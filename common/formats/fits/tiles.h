#pragma once

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::fits {

struct Hdu;
struct LoadedFile;

/// How a tile-compressed two-dimensional integer image is laid out.
struct TileLayout {
  enum class Algorithm { kRice, kGzip, kGzipShuffled };
  Algorithm algorithm = Algorithm::kRice;
  int bitpix = 16;
  std::int64_t nx = 0;
  std::int64_t ny = 0;
  std::int64_t tile_nx = 0;
  std::int64_t tile_ny = 0;
  std::int64_t block_values = 32;  ///< of Rice
  int bytes_per_value = 4;         ///< of Rice
  std::int64_t zero = 0;           ///< BZERO
};

/// Reads and checks the Z keywords of an HDU with compressed_image set. Refused: images that are
/// not integer or not two-dimensional, algorithms other than RICE_1, GZIP_1 and GZIP_2 (what DESI's
/// masks use), sizes past kMaxFileBytes, tiles that disagree with the table's rows. Source: FITS
/// standard 4.0, section 10.
absl::StatusOr<TileLayout> read_tile_layout(const Hdu& hdu);

/// Decompresses into `out` [ny, nx], BZERO added. Every read is checked against the heap;
/// BAD_STRUCTURE where a tile is damaged.
absl::Status decompress_tiles(const LoadedFile& file, const Hdu& hdu, const TileLayout& layout,
                              std::span<std::int32_t> out);

}  // namespace unfold::fits
