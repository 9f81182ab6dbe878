#include <cmath>
#include <numeric>
#include <string>

#include "common/base/error.h"
#include "common/simulate/spi_geometry.h"

namespace unfold::simulate {
namespace {

constexpr std::int64_t kMostValues = std::int64_t{1} << 31;  // of frames x pixels

absl::Status refuse(const std::string& field, const std::string& what,
                    const std::string& why = "") {
  return error({.reason = "OUT_OF_RANGE", .field = field, .what = what, .why = why});
}

absl::Status check_noise(const SpiOptions& o) {
  if (!(o.photons >= 0 && o.photons < 1e9))
    return refuse("photons", "the photons of a frame are not in 0 .. 1e9");
  if (!(o.fluence_sigma >= 0 && o.fluence_sigma <= 3))
    return refuse("fluence_sigma", "the spread of fluences is not in 0 .. 3");
  if (!(o.background >= 0 && o.background <= 0.99))
    return refuse("background", "the background's share is not in 0 .. 0.99");
  if (!(o.non_hits >= 0 && o.non_hits <= 1))
    return refuse("non_hits", "the share of frames that are no hits is not in 0 .. 1");
  if (!(o.jitter >= 0 && o.jitter <= o.geometry.size))
    return refuse("jitter", "the beam's jitter is not in 0 .. the detector's edge");
  return absl::OkStatus();
}

absl::Status check_object(const SpiOptions& o, std::size_t molecules) {
  if (o.object != SpiObject::kBall && molecules == 0)
    return refuse("pdb", "no molecule is given", "only balls need none");
  if (!(o.ball_diameter > 0 && o.ball_diameter < 1e6))
    return refuse("ball_diameter", "the ball's diameter is not in 0 .. 1e6 Angstrom");
  if (!(o.scattering.b_factor >= 0 && o.scattering.b_factor <= 1e5))
    return refuse("b_factor", "the B factor is not in 0 .. 1e5 Angstrom^2");
  if (!o.fractions.empty() && o.fractions.size() != molecules)
    return refuse("fractions", "there are not as many fractions as molecules");
  for (const double fraction : o.fractions)
    if (!(fraction >= 0 && fraction <= 1e9))
      return refuse("fractions", "a fraction is negative or not finite");
  if (!o.fractions.empty() && !(std::accumulate(o.fractions.begin(), o.fractions.end(), 0.0) > 0))
    return refuse("fractions", "all fractions are 0");
  return absl::OkStatus();
}

}  // namespace

// Conditions are written so that nan fails them.
absl::Status check_geometry(const SpiGeometry& g) {
  if (g.size < 2 || g.size > 8192) return refuse("size", "the detector's edge is not in 2 .. 8192");
  if (!(g.wavelength > 0.01 && g.wavelength < 1000))
    return refuse("wavelength", "the wavelength is not in 0.01 .. 1000 Angstrom");
  if (!(g.distance > 0 && g.distance < 1000))
    return refuse("distance", "the distance is not in 0 .. 1000 m");
  if (g.corner == 0 && !(g.pixel_size > 0 && g.pixel_size < 1))
    return refuse("pixel_size", "the pixel size is not in 0 .. 1 m");
  // At a corner of half the wavelength's square root the scattering angle reaches 90 degrees.
  if (g.corner != 0 && !(g.corner > g.wavelength / std::sqrt(2.0) && g.corner < 1e6))
    return refuse("corner", "no pixel has that resolution",
                  "a flat detector ends above wavelength / sqrt 2");
  if (!(g.beamstop >= 0 && g.beamstop < g.size / 2.0))
    return refuse("beamstop", "the beamstop's radius is not in 0 .. half of the detector");
  return absl::OkStatus();
}

absl::Status check_spi_options(const SpiOptions& o, std::size_t molecules) {
  if (absl::Status status = check_geometry(o.geometry); !status.ok()) return status;
  const std::int64_t pixels = std::int64_t{o.geometry.size} * o.geometry.size;
  if (o.frames < 1 || o.frames > kMostValues / pixels)
    return refuse("frames", "the number of frames is not in 1 .. 2^31 / pixels");
  if (!o.orientations.empty() && static_cast<std::int64_t>(o.orientations.size()) != o.frames)
    return refuse("orientations", "there are not as many orientations as frames");
  if (absl::Status status = check_noise(o); !status.ok()) return status;
  return check_object(o, molecules);
}

}  // namespace unfold::simulate
