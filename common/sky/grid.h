#pragma once

#include <cstdint>
#include <vector>

namespace unfold::sky {

enum class GridKind {
  kRegular,  ///< galactic l x b, equal steps: pixel = ib * nl + il, b from -90, l from -180
  kHealpix,  ///< galactic, RING or NESTED
};

/// The pixels of a galactic map. `l_deg` is -180 .. 180 on regular grids, 0 .. 360 on HEALPix.
struct Grid {
  GridKind kind = GridKind::kRegular;
  int nl = 0;                       ///< regular
  int nb = 0;                       ///< regular
  int nside = 0;                    ///< HEALPix
  bool nested = false;              ///< HEALPix
  std::vector<double> l_deg;        ///< [P] pixel centres
  std::vector<double> b_deg;        ///< [P]
  std::vector<double> solid_angle;  ///< [P] sr

  std::int64_t pixels() const { return static_cast<std::int64_t>(l_deg.size()); }
};

/// nl x nb = 360/step x 180/step pixels; solid_angle = dl (sin b2 - sin b1).
/// Throws std::invalid_argument where `step_deg` does not divide 180.
Grid regular_grid(double step_deg);
/// Throws std::invalid_argument where `nside` is no power of two from 1 to 1024.
Grid healpix_grid(int nside, bool nested);

/// [P, 3] unit vectors, galactic: x to (0, 0), y to (90, 0), z to the pole.
std::vector<double> directions(const Grid& grid);
/// [P, 8] the pixels that share an edge or a corner, -1 where there is none; regular grids wrap
/// around in l, and end at the poles.
std::vector<std::int32_t> neighbours(const Grid& grid);
/// The pixel that holds a direction.
std::int64_t pixel_of(const Grid& grid, double l_deg, double b_deg);

}  // namespace unfold::sky
