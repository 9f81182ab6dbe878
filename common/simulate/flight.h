#pragma once

#include <vector>

#include "common/simulate/imaging.h"
#include "common/sky/instrument.h"

namespace unfold::simulate {

struct FlightPlan {
  Flight flight;
  std::vector<sky::Axes> axes;        ///< [V]
  std::vector<double> live_time;      ///< [V] s
  std::vector<sky::EarthLimb> earth;  ///< [V], or empty: balloon
};

FlightPlan fly(const ImagingOptions& options);

}  // namespace unfold::simulate
