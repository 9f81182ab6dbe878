#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/imaging/histogram_file.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// A response [NuLambda, Ei, Em, Phi, PsiChi] in one of the forms that cosipy writes: a Histogram
/// (dense or COO), or a DRM group with CONTENTS (version 1) or with COUNTS x EFF_AREA (version 2),
/// whose counts may be packed by bitshuffle and LZ4 (filter 32008). Immutable, thread safe.
class HistpyResponse {
 public:
  /// Heads, and of sparse ones the contents. UNSUPPORTED_FORMAT, UNSUPPORTED_FILTER, WRONG_AXIS,
  /// WRONG_UNIT (neither cm2 nor cm2 s), WRONG_SHAPE.
  static absl::StatusOr<HistpyResponse> open(const hdf5::File& file);

  const hdf5::File& file() const { return place_.file; }
  const HistogramAxis& sky() const { return place_.axes[0]; }
  const HistogramAxis& energies() const { return place_.axes[1]; }
  /// Em, Phi, PsiChi.
  const HistogramAxis& data(std::size_t axis) const { return place_.axes[2 + axis]; }
  std::int64_t bins() const;
  std::int64_t rows() const { return sky().bins() * energies().bins(); }
  bool integer_counts() const { return !area_.empty(); }
  /// True: cm2 s, of a whole observation. False: cm2, of the instrument.
  bool observed() const { return observed_; }
  bool unit_missing() const { return place_.unit.empty(); }

  /// Rows (pixel, Ei), Ei fastest, times `solid_angle` [pixels] of the row's pixel.
  absl::StatusOr<std::unique_ptr<ResponseRows>> read(std::vector<double> solid_angle) const;

 private:
  explicit HistpyResponse(HistogramPlace place) : place_(std::move(place)) {}
  absl::Status check();
  absl::Status fill_area(const hdf5::Dataset& area);

  HistogramPlace place_;
  std::vector<double> area_;  // [Ei] cm2 a count, of COUNTS x EFF_AREA
  bool observed_ = true;
};

}  // namespace unfold::imaging_data
