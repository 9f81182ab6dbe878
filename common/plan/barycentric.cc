#include "common/plan/barycentric.h"

#include <erfa.h>
#include <erfam.h>

#include <array>
#include <cmath>
#include <numbers>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/error.h"
#include "common/base/status_macros.h"

namespace unfold::plan {
namespace {

using Vector = std::array<double, 3>;

constexpr double kDegree = std::numbers::pi / 180;
constexpr double kSpeedOfLight = 299792458.0;         // m/s
constexpr double kAstronomicalUnit = 149597870700.0;  // m
constexpr double kDaySeconds = 86400.0;
constexpr double kEarthRate = 2 * std::numbers::pi * 1.00273781191135448 / kDaySeconds;  // rad/s
constexpr double kSunGm = 1.3271244e20;                                                  // m3/s2
constexpr double kEarthGm = 3.986004e14;                                                 // m3/s2
constexpr double kMjdZero = 2400000.5;

// Kitt Peak as desispec has it.
constexpr double kLatitude = 31.96403 * kDegree;
constexpr double kLongitude = -111.59989 * kDegree;
constexpr double kHeight = 2097.0;

double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
double norm(const Vector& a) { return std::sqrt(dot(a, a)); }

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

struct TerrestrialTime {
  double first = 0;
  double second = 0;
};

TerrestrialTime terrestrial(double mjd) {
  double tai[2];
  TerrestrialTime out;
  eraUtctai(kMjdZero, mjd, &tai[0], &tai[1]);  // beyond the leap seconds known: the last one
  eraTaitt(tai[0], tai[1], &out.first, &out.second);
  return out;
}

struct Observatory {
  Vector position{};  // geocentric, celestial axes, m
  Vector velocity{};  // m/s
};

Observatory observatory_at(double mjd, const TerrestrialTime& tt) {
  double terrestrial_place[3];
  eraGd2gc(ERFA_WGS84, kLongitude, kLatitude, kHeight, terrestrial_place);
  double to_terrestrial[3][3];
  eraC2t06a(tt.first, tt.second, kMjdZero, mjd, 0, 0, to_terrestrial);
  Observatory out;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < 3; ++k) {
      out.position[i] += to_terrestrial[k][i] * terrestrial_place[k];
    }
  }
  const Vector spin = {kEarthRate * to_terrestrial[2][0], kEarthRate * to_terrestrial[2][1],
                       kEarthRate * to_terrestrial[2][2]};
  out.velocity = cross(spin, out.position);
  return out;
}

// The value of the first keyword present.
absl::StatusOr<double> first_of(const fits::Header& header,
                                std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (header.has(key)) return header.real(key);
  }
  return error({.code = absl::StatusCode::kFailedPrecondition,
                .reason = "MISSING_COORDINATES",
                .what = "the barycentric correction cannot be computed",
                .why = absl::StrCat("the image has no ", *keys.begin()),
                .remedy = "add TARGTRA, TARGTDEC and MJD-OBS to its header, or leave out "
                          "--barycentric-correction"});
}

absl::Status out_of_range(const char* what, double value) {
  return error({.reason = "BAD_HEADER_VALUE",
                .what = "the barycentric correction cannot be computed",
                .why = absl::StrCat("the ", what, " is ", value),
                .remedy = "correct the image's header"});
}

}  // namespace

absl::StatusOr<Pointing> pointing_of(const fits::Header& image, const fits::Header& fibermap) {
  const bool in_image = image.has("RA") || image.has("TARGTRA");
  const bool in_fibermap = fibermap.has("RA") || fibermap.has("TARGTRA");
  const fits::Header& header = in_image || !in_fibermap ? image : fibermap;
  Pointing out;
  UNFOLD_ASSIGN_OR_RETURN(out.ra_degrees, first_of(header, {"TARGTRA", "SKYRA", "TELRA", "RA"}));
  UNFOLD_ASSIGN_OR_RETURN(out.dec_degrees,
                          first_of(header, {"TARGTDEC", "SKYDEC", "TELDEC", "DEC"}));
  UNFOLD_ASSIGN_OR_RETURN(const double start, first_of(header, {"MJD-OBS", "MJD"}));
  double exposure = 0;
  if (header.has("EXPTIME")) {
    UNFOLD_ASSIGN_OR_RETURN(exposure, header.real("EXPTIME"));
  }
  out.mjd = start + exposure / 2 / kDaySeconds;
  if (std::abs(out.ra_degrees) > 360) return out_of_range("right ascension", out.ra_degrees);
  if (std::abs(out.dec_degrees) > 90) return out_of_range("declination", out.dec_degrees);
  if (out.mjd < 40000 || out.mjd > 100000) return out_of_range("Modified Julian Date", out.mjd);
  return out;
}

double barycentric_factor(const Pointing& pointing) {
  const TerrestrialTime tt = terrestrial(pointing.mjd);
  double heliocentric[2][3];
  double barycentric[2][3];
  eraEpv00(tt.first, tt.second, heliocentric, barycentric);
  const Observatory observatory = observatory_at(pointing.mjd, tt);
  Vector beta;
  for (std::size_t i = 0; i < 3; ++i) {
    beta[i] = (barycentric[1][i] * kAstronomicalUnit / kDaySeconds + observatory.velocity[i]) /
              kSpeedOfLight;
  }
  const double ra = pointing.ra_degrees * kDegree;
  const double dec = pointing.dec_degrees * kDegree;
  const Vector target = {std::cos(dec) * std::cos(ra), std::cos(dec) * std::sin(ra), std::sin(dec)};
  const double sun_distance =
      norm({heliocentric[0][0], heliocentric[0][1], heliocentric[0][2]}) * kAstronomicalUnit;
  const double redshift = (kSunGm / sun_distance + kEarthGm / norm(observatory.position)) /
                          (kSpeedOfLight * kSpeedOfLight);
  const double gamma = 1 / std::sqrt(1 - dot(beta, beta));
  return gamma * (1 + dot(beta, target)) / (1 - redshift);
}

}  // namespace unfold::plan
