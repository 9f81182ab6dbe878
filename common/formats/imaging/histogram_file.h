#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/histogram_axes.h"

namespace unfold::imaging_data {

/// Where the contents of a Histogram lie. Old files have an under- and an overflow bin on each
/// axis, new ones have not; what is read here never has them.
struct HistogramPlace {
  hdf5::File file;
  std::string group;  ///< "hist"
  std::vector<HistogramAxis> axes;
  std::string unit;                   ///< of the contents, or empty
  std::vector<std::int64_t> skipped;  ///< [axes] 1: the first bin stored is the underflow
  std::optional<hdf5::Dataset> dense;
  std::optional<hdf5::Dataset> coordinates;  ///< sparse: [axes, entries]
  std::optional<hdf5::Dataset> values;       ///< [entries]
  std::int64_t cells() const;                ///< of all bins
  std::int64_t stored() const;               ///< entries, or cells
};

/// One non-zero cell of a sparse histogram; `cell` counts row-major over the bins of all axes.
struct HistogramEntry {
  std::int64_t cell = 0;
  double value = 0;
};

/// Heads only. MISSING_OBJECT, WRONG_AXIS, WRONG_UNIT, WRONG_SHAPE, UNSUPPORTED_FORMAT (a sparse
/// format other than COO; a fill value).
absl::StatusOr<HistogramPlace> open_histogram(const hdf5::File& file, const std::string& group);

/// Contents of the cells [first, first + out.size()) of a dense histogram, whole rows of the last
/// `inner` axes: both numbers are multiples of these axes' bins.
absl::Status read_dense(const HistogramPlace& place, std::size_t inner, std::int64_t first,
                        std::span<double> out);

/// All entries of a sparse histogram in increasing order, those of one cell added up, those of
/// under- and overflow left out. TOO_LARGE above 2^26 entries.
absl::StatusOr<std::vector<HistogramEntry>> read_sparse(const HistogramPlace& place);

/// Everything as [cells]. TOO_LARGE above `most` cells.
absl::StatusOr<std::vector<double>> read_cells(const HistogramPlace& place, std::int64_t most);

}  // namespace unfold::imaging_data
