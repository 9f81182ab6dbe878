#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/formats/fits/psf.h"

namespace unfold::simulate {

/// Uniform grid: min, min + step, ... while <= max + step / 2. Angstrom.
struct Grid {
  double min = 0;
  double max = 0;
  double step = 0;
  int size() const;
  double wavelength(int bin) const { return min + bin * step; }
};

/// desi_proc's grid of a camera ("b4", "r0", "z9"): b 3600-5800, r 5760-7620, z 7520-9824, step
/// 0.8. InvalidArgument/OUT_OF_RANGE for another name.
absl::StatusOr<Grid> camera_grid(const std::string& camera);

/// A GAUSS-HERMITE version 3 PSF that looks like a DESI camera's, made from formulas only: 500
/// fibres in 20 bundles of 25 on 4114 x 4128 pixels, 7.2 pixels between fibres and 19.5 between
/// bundles, a smile of 110 pixels, sigmas near 1.05 and 1.12 pixels, small terms to degree 6 that
/// drift with fibre and wavelength, stamps of 17 x 11, no tail. The camera's grid runs from about
/// row 270 to row 3890 (r0: 1.53 rows a bin). Cameras differ in detail by a function of their name.
absl::StatusOr<fits::Psf> make_psf(const std::string& camera);

}  // namespace unfold::simulate
