#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/fits/header.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {

struct LoadedFile;

/// Extracted spectra of one camera, as DESI's frame file holds them. Row-major.
struct Frame {
  int nspec = 0;
  int nwave = 0;
  int ndiag = 0;                    ///< resolution half width: 2 ndiag + 1 diagonals
  std::vector<double> wavelength;   ///< [nwave] Angstrom, labels without barycentric correction
  std::vector<float> flux;          ///< [nspec, nwave] electron/Angstrom
  std::vector<float> ivar;          ///< [nspec, nwave]
  std::vector<std::uint32_t> mask;  ///< [nspec, nwave] specmask bits
  std::vector<float> resolution;    ///< [nspec, 2 ndiag + 1, nwave], [s, k, j] = R_s[j-ndiag+k, j]
  std::vector<float> chi2pix;       ///< [nspec, nwave]
  Header header;                    ///< of HDU 0; structural cards are made by the writer
  std::optional<Table> fibermap;
  std::optional<Table> scores;
};

/// Writes HDUs FLUX, IVAR, MASK, WAVELENGTH, RESOLUTION, FIBERMAP, CHI2PIX, SCORES, each with
/// CHECKSUM and DATASUM. The file is created at exactly `path` (an existing one is truncated;
/// /proc/self/fd/N/name works) and not synced. Compressed (gzip) where `compress` is set.
/// ResourceExhausted/DISK_FULL, Unavailable/WRITE_FAILED, InvalidArgument/WRONG_SHAPE.
absl::Status write_frame(const std::string& path, const Frame& frame, bool compress);

/// Writes one image HDU MODEL, [ny, nx] photons.
absl::Status write_model(const std::string& path, std::span<const float> model, int ny, int nx,
                         const Header& header, bool compress);

/// Re-reads a file made by write_frame() or write_model() and says what is wrong with it:
/// structure, checksums (by CFITSIO), shapes that disagree, NaN or infinity in FLUX, IVAR,
/// RESOLUTION, CHI2PIX or MODEL. DataLoss/BAD_PRODUCT.
absl::Status verify_frame(const std::string& path);
absl::Status verify_model(const std::string& path);

absl::StatusOr<Frame> parse_frame(const LoadedFile& file);
absl::StatusOr<Frame> read_frame(const std::string& path, const std::string& shown = {});

}  // namespace unfold::fits
