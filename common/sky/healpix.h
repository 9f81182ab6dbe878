#pragma once

#include <array>
#include <cstdint>

/// HEALPix (Gorski et al. 2005, ApJ 622, 759), by its plane: the sphere unrolls into twelve squares
/// that stand on a corner, and pixels are the squares' cells. Pure functions; `nside` is a power of
/// two from 1 to 1024 (not checked here), `polar` runs 0 .. pi from the north pole, azimuth in rad.
namespace unfold::sky::healpix {

struct Point {
  double polar = 0;
  double azimuth = 0;
};

inline std::int64_t pixels(int nside) { return std::int64_t{12} * nside * nside; }

Point centre(int nside, bool nested, std::int64_t pixel);
std::int64_t pixel_of(int nside, bool nested, double polar, double azimuth);

std::int64_t ring_of_nested(int nside, std::int64_t pixel);
std::int64_t nested_of_ring(int nside, std::int64_t pixel);

/// SW, W, NW, N, NE, E, SE, S; -1 where three squares meet and there is none.
std::array<std::int64_t, 8> neighbours(int nside, bool nested, std::int64_t pixel);

/// Weights sum to 1: linear in the polar angle between the rings above and below, and in azimuth
/// along each; the value at a pole is the mean of its four pixels.
struct Interpolation {
  std::array<std::int64_t, 4> pixel{};
  std::array<double, 4> weight{};
};
Interpolation interpolate(int nside, bool nested, double polar, double azimuth);

}  // namespace unfold::sky::healpix
