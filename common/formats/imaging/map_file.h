#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/sky/grid.h"

namespace unfold::imaging_data {

using Attribute = std::variant<std::string, double, std::int64_t>;

struct MapRegion {
  std::string name;
  double l_deg = 0;
  double b_deg = 0;
  double radius_deg = 0;
  double flux = 0;            ///< cm-2 s-1
  double standard_error = 0;  ///< NaN without bootstrap
  std::int64_t pixels = 0;
};

/// The product of an imaging job. Images are [E, P] here, whatever the response's order.
struct MapProduct {
  sky::Grid sky;
  std::vector<double> energy_edges;  ///< [E+1] keV, or empty
  std::int64_t energies = 1;
  std::vector<double> map;                           ///< [E, P] cm-2 s-1 sr-1
  std::map<std::int64_t, std::vector<double>> maps;  ///< after so many updates
  std::vector<double> exposure;                      ///< [E, P] cm2 s sr
  std::vector<double> log_likelihood;                ///< [n]
  std::vector<double> validation;                    ///< or empty
  std::vector<double> background_amplitude;          ///< [n, A]
  std::int64_t amplitudes = 0;                       ///< A
  std::vector<double> amplitude_error;               ///< [A] or empty
  std::vector<double> standard_error;                ///< [E, P] or empty; NaN where on_bound
  std::vector<std::uint8_t> on_bound;                ///< [E, P] or empty
  std::vector<MapRegion> regions;
  /// Provenance (job, unfold_version, unfold_commit, NAME_sha256, NAME_path), which `unfold diff`
  /// passes over, and every parameter.
  std::map<std::string, Attribute> attributes;
};

inline constexpr char kStandardErrorMeaning[] =
    "statistical only: no regularisation bias, no response or background-template error";

/// HDF5 with `map`, `maps/<n>`, `log_likelihood`, ... and `hist`, which histpy and cosipy open as a
/// model [lb, Ei] (docs/formats.md).
absl::Status write_map(const std::string& path, const MapProduct& product);
absl::StatusOr<MapProduct> read_map(const std::string& path, const std::string& shown);
/// Re-reads what write_map() made: shapes, no NaN outside standard_error.
absl::Status verify_map(const std::string& path);

/// The map as a FITS image (regular: GLON-CAR/GLAT-CAR, energies as a third axis) or HEALPix table.
absl::Status write_fits_map(const std::string& path, const MapProduct& product);
absl::Status verify_fits_map(const std::string& path);

}  // namespace unfold::imaging_data
