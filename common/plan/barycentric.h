#pragma once

#include "absl/status/statusor.h"
#include "common/formats/fits/header.h"

namespace unfold::plan {

/// Where the telescope looked, and when: ICRS degrees, UTC as a Modified Julian Date.
struct Pointing {
  double ra_degrees = 0;
  double dec_degrees = 0;
  double mjd = 0;
};

/// The pointing at mid-exposure, from the keywords desispec uses: TARGTRA, SKYRA, TELRA or RA and
/// the like for the declination, MJD-OBS or MJD, EXPTIME (0 if absent). The image's header is asked
/// first, the fibermap's where that has neither RA nor TARGTRA. FailedPrecondition/
/// MISSING_COORDINATES; InvalidArgument/BAD_HEADER_VALUE.
absl::StatusOr<Pointing> pointing_of(const fits::Header& image, const fits::Header& fibermap);

/// 1 + v/c of the barycentric correction at Kitt Peak (31.96403 N, 111.59989 W, 2097 m):
/// wavelengths as observed times this are barycentric. Equation 28 of Wright & Eastman (2014)
/// without stellar motion and Shapiro delay, with the redshift of Sun and Earth; UT1 is taken for
/// UTC and the pole for fixed, which changes the factor by less than 1e-10. Agrees with astropy to
/// 1e-9.
double barycentric_factor(const Pointing& pointing);

}  // namespace unfold::plan
