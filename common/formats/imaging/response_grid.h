#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/cosi/npz.h"
#include "common/formats/imaging/source.h"

namespace unfold::imaging_data {

/// DC1's instrument response: an .npz file with `ResponseGrid` [zenith, azimuth, phi, FISBEL],
/// of the continuum with two further axes [Ei, Em], cm2. The continuum is summed over Ei; Em is
/// the bin that holds the energy window. Nothing but heads is read until rows() is called.
class ResponseGrid {
 public:
  /// The window decides Em; `phi_bins` and `directions` (FISBEL) must be the file's.
  static absl::StatusOr<ResponseGrid> open(const NamedFile& file, const Binning& binning,
                                           std::int64_t phi_bins, std::int64_t directions);

  std::int64_t zeniths() const { return shape_[0]; }
  std::int64_t azimuths() const { return shape_[1]; }
  std::int64_t rows() const { return shape_[0] * shape_[1]; }
  double step_deg() const { return 180.0 / static_cast<double>(shape_[0]); }
  /// Which contents a response of these bins would have; empty where the file holds more than 64
  /// MiB of it.
  absl::StatusOr<std::string> digest(const std::vector<std::int32_t>& bins) const;
  /// The response [rows, bins] of the CDS bins iphi * directions + f (increasing). Read as it is
  /// asked for, but at once where the file's first axis is the fastest.
  absl::StatusOr<std::unique_ptr<ResponseRows>> read(const std::vector<std::int32_t>& bins) const;

 private:
  explicit ResponseGrid(cosi::NpzFile file) : file_(std::move(file)) {}
  absl::Status choose_energy(const Binning& binning);
  std::vector<std::int32_t> places(const std::vector<std::int32_t>& bins) const;

  cosi::NpzFile file_;
  bool fortran_ = false;
  std::vector<std::int64_t> shape_;  // [zenith, azimuth, phi, FISBEL, Ei, Em]
  std::int64_t energy_ = 0;          // of the Em axis
};

/// Rows that are in memory already.
class RowsInMemory : public ResponseRows {
 public:
  RowsInMemory(std::vector<double> values, std::string shown)
      : values_(std::move(values)), shown_(std::move(shown)) {}
  absl::Status next(std::span<double> rows, std::span<double> scale) override;

 private:
  std::vector<double> values_;
  std::string shown_;
  std::size_t at_ = 0;
};

}  // namespace unfold::imaging_data
