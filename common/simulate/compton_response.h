#pragma once

#include <cstdint>
#include <vector>

#include "common/sky/instrument.h"

namespace unfold::simulate {

/// The Compton data space: scatter angle phi in equal steps over 0 .. 180 degrees, times FISBEL
/// bins of the scattered photon's direction. Index = iphi * fisbel_bins + f.
struct DataSpace {
  int phi_bins = 0;
  int fisbel_bins = 0;
  double phi_step_deg = 0;
  std::vector<double> centres;     ///< [fisbel_bins, 2] polar, azimuth, rad
  std::vector<std::int32_t> kept;  ///< [D] bins in which events are selected
  std::vector<double> background;  ///< [D] template, sums to 1
};

/// How many FISBEL bins of about this width cover the sphere; not every number has a binning.
int fisbel_bins(double step_deg);

/// Phi and FISBEL bins of about `step_deg`. Kept is what the Data Challenge's cuts leave: phi from
/// 12 to 60 degrees, and cones above the Earth's horizon.
DataSpace data_space(double step_deg);

struct ComptonCone {
  double effective_area = 4;  ///< cm2 on axis
  double arm_fwhm = 7;        ///< degrees
  double energy = 511;        ///< keV
  double zenith_cut_deg = 90;
};

/// I[k, d] in cm2 for the directions of a regular local grid: a ring of radius phi around the
/// source, as wide as the ARM and with its tails; Klein-Nishina in phi; effective area falling with
/// zenith angle; acceptance over the scattered direction. Rows beyond the cut are 0. [K, D]
std::vector<float> cone_response(const ComptonCone& cone, const DataSpace& space,
                                 const sky::LocalGrid& local);

/// The response as a simulation with `counts` detected photons a direction would give it: whole
/// counts times a scale a row. Adjacent `merge` x `merge` directions of `fine` become one. [K, D]
std::vector<double> drawn_response(const std::vector<float>& fine, const sky::LocalGrid& local,
                                   int merge, std::int64_t bins, double counts, std::uint64_t seed);

}  // namespace unfold::simulate
