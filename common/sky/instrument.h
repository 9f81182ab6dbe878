#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/sky/grid.h"

namespace unfold::sky {

/// Rows are the instrument's x, y and z axes as galactic unit vectors.
using Axes = std::array<double, 9>;

/// From galactic longitude and latitude of the x and z axes, degrees; y = z x x.
Axes axes_of(double l_x, double b_x, double l_z, double b_z);

/// Directions seen from the instrument: regular in zenith and azimuth, k = iz * na + ia, na =
/// 360/step, nz = 180/step (DC1); or HEALPix of the local frame (cosipy's NuLambda).
struct LocalGrid {
  GridKind kind = GridKind::kRegular;
  double step_deg = 6;  ///< regular
  int nside = 0;        ///< HEALPix
  bool nested = false;
  std::int64_t directions() const;
};

enum class Interpolation {
  kNearest,   ///< the pixel that holds the direction (DC1)
  kBilinear,  ///< regular: 4 neighbours in zenith and azimuth; HEALPix: its ring interpolation
};

/// Pixel k is left out where its centre's zenith angle exceeds the cut (65535 then).
struct Lookup {
  std::int64_t neighbours = 1;
  std::vector<std::uint16_t> direction;  ///< [V, P, neighbours]
  std::vector<float> weight;             ///< [V, P, neighbours], empty for kNearest
};

struct EarthLimb {
  std::array<double, 3> zenith;  ///< galactic unit vector from the Earth's centre to the instrument
  double cosine = -2;  ///< of the angle from `zenith` beyond which the Earth hides the sky
};
/// Seen from `altitude_km` above a sphere of 6378 km, no atmosphere.
EarthLimb earth_limb(double l_zenith, double b_zenith, double altitude_km);

/// What each pointing sees of each sky pixel's centre; pixels that the Earth hides (`earth`: one
/// for each pointing, or none) are left out. Weights are not scaled up where some neighbours are
/// left out. Throws std::invalid_argument for more than 65534 directions or a limb missing.
Lookup make_lookup(const std::vector<Axes>& pointings, const Grid& sky, const LocalGrid& local,
                   double zenith_cut_deg, Interpolation interpolation,
                   const std::vector<EarthLimb>& earth = {});

/// The FISBEL binning of a sphere: `bins` equal areas in collars from pole to pole, collar-major,
/// longitude from 0 (engines/imaging.md a).
struct Fisbel {
  std::vector<double> edge;         ///< [collars + 1] polar angle, rad
  std::vector<int> longitudes;      ///< [collars] bins in each
  std::vector<std::int64_t> first;  ///< [collars] index of its first bin
};
Fisbel fisbel(int bins);
/// The bin of a direction (polar angle and azimuth, rad); -1 where edges rounded to six decimals
/// leave a gap, as in DC1.
std::int64_t fisbel_bin(const Fisbel& binning, double polar, double azimuth);
/// Centres of all bins, polar and azimuth, rad. [bins, 2]
std::vector<double> fisbel_centres(const Fisbel& binning);

}  // namespace unfold::sky
