#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "common/formats/imaging/histogram_file.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// A Histogram in the data space: [Em, Phi, PsiChi], or [Time, Em, Phi, PsiChi].
struct HistpyData {
  HistogramPlace histogram;
  bool timed = false;

  std::int64_t times() const { return timed ? histogram.axes[0].bins() : 1; }
  /// Em, Phi, PsiChi.
  const HistogramAxis& data(std::size_t axis) const {
    return histogram.axes[axis + (timed ? 1 : 0)];
  }
};

/// WRONG_AXIS for other axes, by name; WRONG_UNIT where the contents are no counts.
absl::StatusOr<HistpyData> open_histpy_data(const NamedFile& named);

/// Whole counts >= 0 in list mode; BAD_VALUE for others. `bins` are those of Em, Phi, PsiChi.
absl::StatusOr<Counts> read_histpy_counts(const HistpyData& data, std::int64_t bins);

/// The most cells of a histogram that is read whole.
inline constexpr std::int64_t kMostHistogramCells = std::int64_t{1} << 28;

}  // namespace unfold::imaging_data
