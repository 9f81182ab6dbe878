#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/fits/header.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {

struct LoadedFile;

/// Bits of a preproc file's MASK (desispec's ccdmask). A bin's weight ignores the pixels with any
/// of kExtractionMaskBits; BADREADNOISE is information only.
namespace ccdmask {
inline constexpr std::uint32_t kBad = 1U << 0;
inline constexpr std::uint32_t kHot = 1U << 1;
inline constexpr std::uint32_t kDead = 1U << 2;
inline constexpr std::uint32_t kSaturated = 1U << 3;
inline constexpr std::uint32_t kCosmic = 1U << 4;
inline constexpr std::uint32_t kPixflatZero = 1U << 5;
inline constexpr std::uint32_t kPixflatLow = 1U << 6;
inline constexpr std::uint32_t kHighVar = 1U << 7;
inline constexpr std::uint32_t kBadReadNoise = 1U << 8;
inline constexpr std::uint32_t kBadAmp = 1U << 9;
}  // namespace ccdmask
inline constexpr std::uint32_t kExtractionMaskBits = 767;  // all of the above but BADREADNOISE

/// A preprocessed CCD image as desispec writes it. Row-major [ny, nx], x across fibres.
struct Preproc {
  int nx = 0;
  int ny = 0;
  std::vector<float> image;           ///< electrons; 0 where the file had NaN or infinity
  std::vector<float> ivar;            ///< electrons^-2; 0 where image or ivar was not finite or < 0
  std::vector<std::int32_t> mask;     ///< ccdmask bits as stored
  std::int64_t nonfinite_pixels = 0;  ///< pixels whose image or ivar was not finite, or ivar < 0
  Header header;                      ///< of HDU 0, verbatim, with its structural cards
  std::string camera;                 ///< "r0", lower case, or empty
  std::optional<Table> fibermap;
  std::string sha256;  ///< of the file's bytes as stored (of the .gz where it is one)
};

/// What headers alone tell; for planning.
struct PreprocSummary {
  int nx = 0;
  int ny = 0;
  Header header;  ///< of HDU 0
  std::string camera;
  bool has_fibermap = false;
  std::int64_t fibermap_rows = 0;
  Header fibermap_header;
  bool compressed = false;  ///< gzip
};

/// Reads and checks a preproc file (.fits, .fits.gz by content; MASK plain or tile-compressed).
/// `path` may be /proc/self/fd/N; messages show `shown` instead when it is not empty. Errors: those
/// of scan() (scan.h), WRONG_TYPE for another kind of file (a PSF), MISSING_HDU, WRONG_SHAPE.
absl::StatusOr<Preproc> read_preproc(const std::string& path, const std::string& shown = {});

/// The same of a file that is in memory and scanned.
absl::StatusOr<Preproc> parse_preproc(const LoadedFile& file);

/// Reads only headers; a .gz is decompressed whole, so that a truncated one is refused.
absl::StatusOr<PreprocSummary> read_preproc_summary(const std::string& path,
                                                    const std::string& shown = {});

/// The FIBERMAP table of any FITS file (--fibermap). MISSING_HDU where it has none.
absl::StatusOr<Table> read_fibermap(const std::string& path, const std::string& shown = {});

/// Sets ivar to 0 where (mask & bits) != 0. Returns how many pixels with ivar > 0 that took.
std::int64_t apply_mask(Preproc& preproc, std::uint32_t bits);

/// Writes IMAGE, IVAR, MASK (i2) and FIBERMAP with checksums, for simulations. A path that ends in
/// .gz is compressed. `preproc.header` gives the cards beside the structural ones.
absl::Status write_preproc(const std::string& path, const Preproc& preproc);

}  // namespace unfold::fits
