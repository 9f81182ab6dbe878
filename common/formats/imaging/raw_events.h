#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/formats/cosi/events.h"
#include "common/formats/imaging/dc1_time.h"
#include "common/formats/imaging/raw_source.h"
#include "common/formats/imaging/source.h"
#include "common/sky/instrument.h"

namespace unfold::imaging_data {

/// The Compton data space of DC1: scatter angle x direction of the scattered photon.
struct DataSpace {
  std::int64_t phi_bins = 0;    ///< of pixel_deg over 0 .. 180 degrees
  std::int64_t directions = 0;  ///< FISBEL bins: floor(4 pi / pixel_deg^2)
  sky::Fisbel fisbel;

  explicit DataSpace(double pixel_deg);
  std::int64_t size() const { return phi_bins * directions; }
  /// iphi * directions + f, or kOutsideBinning. The event has an angle.
  std::int32_t bin(const cosi::ComptonEvent& event) const;
};

/// What is kept of each event in a file, in order of time.
struct RawEvents {
  std::vector<double> time;           ///< [N] unix s
  std::vector<Aspect> aspect;         ///< [N], or empty where they were not asked for
  std::vector<std::int32_t> cds_bin;  ///< [N] of the data space, or one of the below
};
inline constexpr std::int32_t kOutsideEnergy = -1;
inline constexpr std::int32_t kOutsideBinning = -2;

/// Adds to `summary` what was read. BAD_EVENT names the first event that cannot be used: without
/// aspect where they are needed, or with axes that are no instrument's.
absl::StatusOr<RawEvents> read_raw_events(const NamedFile& file, const Binning& binning,
                                          const DataSpace& space, bool with_aspects,
                                          RawSummary& summary);

/// BAD_BINNING with the field, "binning.energy_min".
absl::Status check_binning(const Binning& binning);

}  // namespace unfold::imaging_data
