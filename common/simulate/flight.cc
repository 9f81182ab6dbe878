#include "common/simulate/flight.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "common/simulate/random.h"

namespace unfold::simulate {
namespace {

using Vector = std::array<double, 3>;

constexpr double kPi = std::numbers::pi;
constexpr double kRadian = kPi / 180;
constexpr double kSiderealDay = 86164;  // s
constexpr std::uint64_t kTurnStream = 1;
constexpr std::uint64_t kLiveStream = 2;

// Rows: galactic axes in equatorial coordinates (J2000).
constexpr std::array<Vector, 3> kGalactic = {{{-0.0548755604, -0.8734370902, -0.4838350155},
                                              {0.4941094279, -0.4448296300, 0.7469822445},
                                              {-0.8676661490, -0.1980763734, 0.4559837762}}};

Vector galactic(const Vector& v) {
  Vector out{};
  for (std::size_t i = 0; i < 3; ++i)
    out[i] = kGalactic[i][0] * v[0] + kGalactic[i][1] * v[1] + kGalactic[i][2] * v[2];
  return out;
}

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

Vector mixed(const Vector& a, double share_a, const Vector& b, double share_b) {
  return {share_a * a[0] + share_b * b[0], share_a * a[1] + share_b * b[1],
          share_a * a[2] + share_b * b[2]};
}

/// Up, north and east at a place whose zenith has these equatorial coordinates.
struct Place {
  Vector up, north, east;
};

Place place_at(double right_ascension, double declination) {
  const double ca = std::cos(right_ascension);
  const double sa = std::sin(right_ascension);
  const double cd = std::cos(declination);
  const double sd = std::sin(declination);
  const Vector up = {cd * ca, cd * sa, sd};
  const Vector north = {-sd * ca, -sd * sa, cd};
  return {up, north, cross(north, up)};
}

/// x and z are perpendicular unit vectors, equatorial.
sky::Axes axes_from(const Vector& x, const Vector& z) {
  const Vector gx = galactic(x);
  const Vector gz = galactic(z);
  const Vector gy = cross(gz, gx);
  return {gx[0], gx[1], gx[2], gy[0], gy[1], gy[2], gz[0], gz[1], gz[2]};
}

/// From 45 to 8 degrees south in the course of the flight, turning freely about the vertical.
void fly_balloon(const ImagingOptions& options, FlightPlan& plan) {
  const double end = plan.flight.start.back() + plan.flight.pointing_time;
  Random turn(options.seed, kTurnStream);
  Random live(options.seed, kLiveStream);
  double heading = 0;
  for (const double start : plan.flight.start) {
    const double t = start + plan.flight.pointing_time / 2;
    const double latitude = -45 + 37 * t / end + std::sin(2 * kPi * t / 3e5);
    const Place here = place_at(2 * kPi * t / kSiderealDay + 2, latitude * kRadian);
    heading += 0.15 * turn.normal();
    const double towards = heading + 2 * kPi * t / 2e4;
    plan.axes.push_back(
        axes_from(mixed(here.north, std::cos(towards), here.east, std::sin(towards)), here.up));
    plan.live_time.push_back(plan.flight.pointing_time * live.uniform(0.93, 1));
  }
}

bool over_south_atlantic(double longitude_deg) {
  const double east = longitude_deg - 360 * std::floor(longitude_deg / 360);
  return east > 290 && east < 330;
}

/// 530 km above the equator; z leaves the zenith to the north and to the south by turns of half a
/// day, x looks east.
void fly_orbit(const ImagingOptions& options, FlightPlan& plan) {
  constexpr double kAltitude = 530;  // km
  constexpr double kPeriod = 5715;   // s
  constexpr double kRock = 43200;    // s
  Random live(options.seed, kLiveStream);
  for (const double start : plan.flight.start) {
    const double t = start + plan.flight.pointing_time / 2;
    const double along = 2 * kPi * t / kPeriod;
    const Place here = place_at(along, 0);
    const double side = std::fmod(start, 2 * kRock) < kRock ? 1 : -1;
    const double tilt = side * options.rocking_deg * kRadian;
    plan.axes.push_back(
        axes_from(here.east, mixed(here.up, std::cos(tilt), here.north, std::sin(tilt))));
    const double longitude = (along - 2 * kPi * t / kSiderealDay) / kRadian;
    const double share = live.uniform(0.88, 0.95);
    plan.live_time.push_back(over_south_atlantic(longitude) ? 0
                                                            : plan.flight.pointing_time * share);
    const Vector zenith = galactic(here.up);
    plan.flight.l_zenith.push_back(std::atan2(zenith[1], zenith[0]) / kRadian);
    plan.flight.b_zenith.push_back(std::asin(std::clamp(zenith[2], -1., 1.)) / kRadian);
    plan.flight.altitude_km.push_back(kAltitude);
    plan.earth.push_back(
        sky::earth_limb(plan.flight.l_zenith.back(), plan.flight.b_zenith.back(), kAltitude));
  }
}

}  // namespace

FlightPlan fly(const ImagingOptions& options) {
  FlightPlan plan;
  plan.flight.pointing_time = options.time_step / options.pointings;
  for (int v = 0; v < options.time_bins * options.pointings; ++v)
    plan.flight.start.push_back(v * plan.flight.pointing_time);
  if (options.platform == Platform::kBalloon) {
    fly_balloon(options, plan);
  } else {
    fly_orbit(options, plan);
  }
  for (const int dead : options.dead_bins)
    for (int i = 0; i < options.pointings; ++i)
      plan.live_time[static_cast<std::size_t>(dead * options.pointings + i)] = 0;
  return plan;
}

}  // namespace unfold::simulate
