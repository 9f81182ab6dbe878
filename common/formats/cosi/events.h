#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"

namespace unfold::cosi {

/// One Compton event as MEGAlib's reconstruction wrote it, in the instrument's frame.
struct ComptonEvent {
  double time = 0;    ///< unix s
  double energy = 0;  ///< keV, scattered photon and recoil electron
  double phi = 0;     ///< Compton scatter angle from the energies, rad; NaN where there is none
  double polar = 0;  ///< psi: from where the scattered photon came, -Dg (engines/imaging.md a), rad
  double azimuth = 0;  ///< chi, 0 .. 2 pi
  bool has_aspect = false;
  std::array<double, 2> x_axis{};  ///< galactic longitude and latitude, degrees
  std::array<double, 2> z_axis{};
};

struct EventCounts {
  std::int64_t compton = 0;
  std::map<std::string, std::int64_t> others;  ///< by MEGAlib's type: "PH", "PA", ...
};

/// Reads a .tra or .tra.gz file and gives its Compton events one by one, in the file's order.
/// Refused, each with its line: NOT_EVENTS (no such file), BAD_EVENT (an event without time,
/// energies or positions, a number that is none, a line given twice), EXTERNAL_FILE (lines that
/// include another file).
absl::StatusOr<EventCounts> read_events(const std::string& path, std::string_view shown,
                                        const std::function<void(const ComptonEvent&)>& take);

/// True where the first lines are those of an event file.
bool looks_like_events(const std::string& path);

/// The angle by which a photon scattered that left with `scattered` keV and gave `electron` keV to
/// an electron at rest: cos phi = 1 - m c2 / Eg + m c2 / (Eg + Ee). NaN where there is none.
double compton_angle(double scattered, double electron);

}  // namespace unfold::cosi
