#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/cosi/orientations.h"
#include "common/sky/instrument.h"

/// Time bins and pointings by the rules of COSI's Data Challenge 1 (engines/imaging.md a).
namespace unfold::imaging_data {

/// Equal bins from the first event; those without events are not kept.
struct TimeBins {
  double start = 0;                 ///< unix s, of the first event
  double step = 0;                  ///< s
  std::vector<double> edge;         ///< [n + 1] s after `start`; the last bin is shorter
  std::vector<std::int32_t> place;  ///< [n] among the kept bins, or -1
  std::vector<std::int64_t> empty;  ///< the bins that are not kept
  std::int64_t kept = 0;

  std::int64_t size() const { return static_cast<std::int64_t>(place.size()); }
  /// The bin of a time, -1 for one on the end of the last bin, which DC1's rule leaves out.
  std::int64_t bin_of(double time) const;
};

/// The most bins that time_bins() makes; a wilder range of times is a broken clock.
inline constexpr std::int64_t kMaxTimeBins = 10'000'000;

/// `times` [N] unix s, not empty, in increasing order, within kMaxTimeBins steps.
TimeBins time_bins(std::span<const double> times, double step);

/// Spans of time during which no axis moved by the pointing step or more.
struct Pointings {
  std::vector<sky::Axes> axes;         ///< [V] at the begin of each
  std::vector<double> live_time;       ///< [V] s
  std::vector<std::int32_t> time_bin;  ///< [V] among the kept bins
  std::vector<sky::EarthLimb> earth;   ///< [V], or empty
  std::int64_t dropped = 0;            ///< of non-zero length, whose end lies in no kept bin
};

/// Galactic longitude and latitude of the x and of the z axis, degrees.
struct Aspect {
  std::array<double, 2> x{};
  std::array<double, 2> z{};
};

/// From the events' own aspects: within each bin a pointing lasts from its first event to that of
/// the next, the last one from the last event for the rest of the bin; a pointing belongs to the
/// bin that holds the sum of all lengths up to its end, edges excluded below and included above
/// (as in DC1, rounding of that sum can move the last pointing of a bin into the next).
Pointings event_pointings(std::span<const double> times, std::span<const Aspect> aspects,
                          const TimeBins& bins, double step_deg);

/// From an orientation file, over the whole of each kept bin. With `earth` a pointing also ends
/// where the Earth's zenith has moved by the step: an axis that stays does not keep the Earth away.
/// `live`: lengths count the file's live
/// time where it has one; `earth`: give what the Earth hides where the file has altitudes (rows of
/// altitude 0 have none).
struct OrientationUse {
  double step_deg = 5;
  bool live = true;
  bool earth = true;
};
Pointings orientation_pointings(const cosi::Orientations& rows, const TimeBins& bins,
                                const OrientationUse& use);

/// False where the x and z axes are too far from a right angle to be an instrument's.
bool is_aspect(const Aspect& aspect);
/// cosi::read_orientations(), and BAD_ORIENTATION where the axes of a row are no aspect.
absl::StatusOr<cosi::Orientations> read_aspects(const std::string& path, std::string_view shown);

}  // namespace unfold::imaging_data
