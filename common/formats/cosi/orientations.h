#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace unfold::cosi {

/// How the instrument was held, from an .ori file: lines `OG t xlat xlon zlat zlon`, and with
/// cosipy also altitude, latitude and longitude of the Earth's zenith and live time. Galactic
/// degrees, unix seconds; each row holds until the next.
struct Orientations {
  std::vector<double> time;                   ///< [N] strictly increasing
  std::vector<std::array<double, 2>> x_axis;  ///< [N] longitude, latitude
  std::vector<std::array<double, 2>> z_axis;
  std::vector<double> altitude;  ///< [N] km, or empty (five columns)
  std::vector<std::array<double, 2>> earth_zenith;
  std::vector<double> live_time;  ///< [N] s from this row to the next, or empty

  std::size_t rows() const { return time.size(); }
  bool has_earth() const { return !altitude.empty(); }
};

/// NOT_ORIENTATIONS (no "Type OrientationsGalactic"), BAD_ORIENTATION with the line: a number that
/// is none, an angle out of range, times that do not increase, rows of different length, live time
/// longer than the time to the next row.
absl::StatusOr<Orientations> read_orientations(const std::string& path, std::string_view shown);

}  // namespace unfold::cosi
