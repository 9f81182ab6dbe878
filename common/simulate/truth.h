#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unfold::simulate {

/// What went into a simulated image.
struct Truth {
  int first_fibre = 0;  ///< PSF row of the first spectrum
  int nspec = 0;
  int nwave = 0;
  std::vector<double> wavelength;  ///< [nwave] Angstrom, bin centres, uniform
  std::vector<double> photons;     ///< [nspec, nwave] photons per bin on the CCD (or off its edge)
};

/// HDUs FLUX (f8, BUNIT photon, cards FIBERMIN, SIMSEED) and WAVELENGTH (f8, Angstrom). The file is
/// created anew. Unavailable/WRITE_FAILED.
absl::Status write_truth(const std::string& path, const Truth& truth, std::uint64_t seed);

/// WRONG_TYPE for another kind of file, WRONG_SHAPE where its parts disagree, or what scan() says.
absl::StatusOr<Truth> read_truth(const std::string& path);

}  // namespace unfold::simulate
