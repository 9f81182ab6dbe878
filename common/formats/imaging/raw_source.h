#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// What became of the events of a raw file, and of the time they were taken in.
struct RawSummary {
  std::int64_t events = 0;             ///< Compton events that could be used
  std::int64_t other_types = 0;        ///< photo, pair, unidentified, ... events, passed over
  std::int64_t unphysical = 0;         ///< no scatter angle explains the energies
  std::int64_t outside_time_bins = 0;  ///< on the end of the last whole bin: DC1's rule loses it
  std::int64_t outside_energy = 0;
  std::int64_t outside_binning = 0;   ///< in a gap of the rounded FISBEL edges
  std::int64_t outside_template = 0;  ///< in a CDS bin where the background template is zero
  std::int64_t binned = 0;            ///< counts of the data set
  std::int64_t time_bins = 0;         ///< with events of any energy
  std::vector<std::int64_t> empty_time_bins{};  ///< dropped: their numbers before dropping
  std::int64_t pointings = 0;
  std::int64_t pointings_dropped = 0;  ///< whose end lies in no time bin that is kept
  double live_time = 0;                ///< s, of all pointings kept
};

/// Raw events of COSI, binned as the Data Challenge 1 does (engines/imaging.md a). Everything but
/// the response is in memory once it is open; the response is read when asked for.
class RawSource : public Source {
 public:
  virtual const RawSummary& summary() const = 0;
  /// [D] iphi * 1145 + f of the kept bins.
  virtual const std::vector<std::int32_t>& cds_index() const = 0;
};

/// `files.data` is a .tra or .tra.gz file; `files.response` a ResponseGrid .npz and
/// `files.background` a background .npz are needed; `files.attitude`, where given, replaces the
/// aspects of the events: it brings live time (cosipy#440) and the Earth (cosipy#416).
absl::StatusOr<std::unique_ptr<RawSource>> open_raw_source(const SourceFiles& files,
                                                           const Binning& binning);

/// True where the file starts as MEGAlib's events do (plain or gzip). Never fails: a file that
/// cannot be read is no events.
bool holds_events(const std::string& path);

}  // namespace unfold::imaging_data
