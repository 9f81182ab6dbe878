#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace unfold::simulate {

/// Where a pixel's inverse variance comes from. With kModel (1 / (true electrons + read noise^2))
/// chi2 and pulls are exactly calibrated; kPixels uses the noisy pixel, as a pipeline has to.
enum class IvarFrom { kModel, kPixels };

/// One exposure of one camera. A zero (or empty) field that says "default" takes the camera's own
/// value: the grids are desi_proc's, b 3600-5800, r 5760-7620, z 7520-9824, step 0.8 Angstrom.
struct ExtractionOptions {
  std::string camera = "r0";  ///< b, r or z, then the spectrograph 0..9
  std::string psf{};          ///< PSF file to use; empty: one is made and written too
  double wave_min = 0;        ///< Angstrom; 0: default
  double wave_max = 0;        ///< Angstrom; 0: default
  double wave_step = 0;       ///< Angstrom; 0: default
  int oversample = 1;  ///< light is put at n wavelengths in each bin; 1 makes the truth exact
  /// Light of a bin comes at wavelength / factor: what an extraction that corrects for the Earth's
  /// motion by this HELIOCOR has as truth.
  double heliocentric_factor = 1.0;
  int first_fibre = 0;
  int fibres = 500;
  std::uint64_t seed = 1;        ///< same seed, same options: same files
  double read_noise = 3.0;       ///< electrons
  int cosmics = 0;               ///< cosmic ray hits over the lit part of the CCD
  double cosmics_flagged = 1.0;  ///< share of them marked COSMIC in MASK
  int bad_columns = 0;           ///< flagged BAD
  int bad_pixels = 0;            ///< flagged DEAD or HOT
  int nan_pixels = 0;            ///< IMAGE is NaN, not flagged
  IvarFrom ivar = IvarFrom::kModel;

  std::int64_t night = 20261120;
  std::int64_t expid = 51060;
  std::string obstype = "SCIENCE";
  double exptime = 1000.0;  ///< seconds
  double mjd = 61364.4;     ///< MJD-OBS, start of the exposure
  double ra = 150.1;        ///< TARGTRA, degrees
  double dec = 2.2;         ///< TARGTDEC, degrees

  std::string directory = ".";  ///< made if absent
  bool gzip = false;            ///< preproc as .fits.gz
  bool overwrite = false;       ///< else an existing file is an error
};

/// What simulate_extraction wrote, and what is in it.
struct ExtractionFiles {
  std::string image;  ///< preproc-{camera}-{expid:08d}.fits[.gz]
  std::string psf;    ///< psf-{camera}-{expid:08d}.fits, or ExtractionOptions::psf
  std::string
      truth;  ///< truth-{camera}-{expid:08d}.fits: FLUX [fibre, bin] photons per bin, WAVELENGTH
  std::int64_t bins = 0;  ///< fibres x wavelengths with light
  double electrons = 0;   ///< on the CCD, noise free
  std::int64_t masked_pixels = 0;
};

/// Simulates one preproc image with known truth. Uses all threads of the current oneTBB arena; the
/// result does not depend on how many. Errors: InvalidArgument with the option's name as field,
/// AlreadyExists, or what reading the PSF or writing a file gave.
absl::StatusOr<ExtractionFiles> simulate_extraction(const ExtractionOptions& options);

}  // namespace unfold::simulate
