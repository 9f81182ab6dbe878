#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/formats/fits/frame.h"
#include "common/formats/fits/header.h"
#include "common/formats/fits/table.h"

namespace unfold::fits {

/// Bits of a frame's MASK (desispec's specmask) that extraction sets.
namespace specmask {
inline constexpr std::uint32_t kSomeBadPix = 1U << 0;
inline constexpr std::uint32_t kAllBadPix = 1U << 1;
inline constexpr std::uint32_t kBad2DFit = 1U << 7;
inline constexpr std::uint32_t kNoData = 1U << 8;
}  // namespace specmask

/// All [nspec, nwave].
struct MaskInputs {
  int nspec = 0;
  int nwave = 0;
  std::span<const float> pixmask_fraction;  ///< share of the bin's PSF on masked pixels
  std::span<const float> chi2pix;
  std::span<const float> ivar;
  std::span<const std::uint8_t> off_ccd;  ///< 1 where no pixel of the bin is on the CCD, or empty
};

/// specmask bits of every bin: SOMEBADPIX where pixmask_fraction > 0.5; ALLBADPIX where it is 1
/// within 1e-6, where ivar is 0, and where the bin is off the CCD, then also NODATA; BAD2DFIT where
/// chi2pix > 5 x its median over fibres at that wavelength and > 5 x its median over wavelength of
/// that fibre (medians over bins with ivar > 0: desispec's are over all).
std::vector<std::uint32_t> frame_mask(const MaskInputs& inputs);

/// The SCORES table: SUM_RAW_COUNT_x, MEDIAN_RAW_COUNT_x, MEDIAN_RAW_SNR_x over the wavelengths
/// inside the camera's top hat (b 4000-5800, r 5800-7600, z 7600-9800 Angstrom), where x is the
/// band of `camera` ("r0"), or of the mean wavelength when that is empty. As desispec computes
/// them, which takes FLUX for counts per bin: sum of FLUX, median of FLUX / bin width, median of
/// sqrt(IVAR) FLUX / sqrt(bin width).
Table compute_scores(const Frame& frame, const std::string& camera);

/// The smallest FIBER of a fibermap, or `otherwise` where there is no such column.
int first_fibre(const std::optional<Table>& fibermap, int otherwise);

/// What the frame's primary header says beside the image's own cards.
struct FrameCards {
  int nspec = 0;
  double wave_min = 0;
  double wave_max = 0;
  double wave_step = 0;
  std::string in_psf;                         ///< as named by the user: "root:relative"
  std::string in_image;                       ///< likewise
  std::string orig_psf;                       ///< the PSF's IN_PSF card, or empty
  std::optional<double> heliocentric_factor;  ///< only when a correction was applied
  bool psf_is_psfnight = false;
  int fiber_min = 0;  ///< FIBERMIN: the first fibre's number
  std::string job_id;
  std::string image_sha256;
  std::string psf_sha256;
  std::string fibermap_sha256;  ///< of --fibermap's file, or empty
  std::string response_key;
  /// Every parameter, name -> value as text; written as UFPnn / UFVnn pairs.
  std::vector<std::pair<std::string, std::string>> parameters;
};

/// The image's cards (structural ones, checksums and its BUNIT left out), then those of `cards`,
/// DEPNAMnn/DEPVERnn naming unfold (those the image brought stay), and UF* provenance cards
/// (docs/formats.md lists each).
Header frame_header(const Header& image, const FrameCards& cards);

}  // namespace unfold::fits
