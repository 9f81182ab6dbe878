#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// A number, or where the data file has it.
struct Quantity {
  double value = 0;
  std::string path{};  ///< in HDF5, or empty
  std::string unit{};  ///< as written, or empty
};

/// A panel of a CrystFEL geometry file. Pixel (fs, ss) of the data, bounds included, has its centre
/// at corner + (fs - min_fs + 1/2) fs_step + (ss - min_ss + 1/2) ss_step, in pixels of 1/res
/// metres.
struct Panel {
  std::string name{};
  std::int64_t min_fs = -1, max_fs = -1, min_ss = -1, max_ss = -1;
  double corner_x = 0, corner_y = 0;
  std::array<double, 3> fs_step{1, 0, 0};
  std::array<double, 3> ss_step{0, 1, 0};
  double res = 0;             ///< pixels a metre
  Quantity clen{};            ///< m
  double coffset = 0;         ///< m, added to clen
  double adu_per_photon = 0;  ///< 0: not told
  double adu_per_ev = 0;
  bool bad = false;        ///< no_index
  std::int64_t index = 0;  ///< dimN = a number: the place along the axis of panels
  std::string data{};      ///< path in HDF5, or empty
};

/// What is left out: in the laboratory plane (pixels) or in the data's own axes.
struct BadRegion {
  bool in_data = false;
  double min_1 = 0, max_1 = 0, min_2 = 0, max_2 = 0;  ///< x and y, or fs and ss, bounds included
  std::string panel{};                                ///< of that panel alone, or empty
  int told = 0;                                       ///< how many of the bounds are
};

struct Geometry {
  std::vector<Panel> panels;
  std::vector<BadRegion> bad;
  Quantity photon_energy{};  ///< eV
  std::string mask_path{};
  std::uint64_t mask_good = 0;  ///< bits that a good pixel has
  std::uint64_t mask_bad = 0;   ///< bits that it does not
  bool mask_told = false;       ///< one of both is written
  std::vector<std::string> warnings;
};

/// True where a text file is a geometry rather than a Dragonfly detector.
absl::StatusOr<bool> is_geometry(const NamedFile& file);
/// BAD_GEOMETRY names line or panel. Keys without effect are named in the warnings.
absl::StatusOr<Geometry> read_geometry(const NamedFile& file);

/// The detector of frames [panels, ss, fs]; pixels of no panel are bad. Polarization is not
/// corrected; the solid angle is. `distance` (m) goes for panels whose clen is a path.
absl::StatusOr<Detector> detector_of(const Geometry& geometry, const NamedFile& file,
                                     const std::array<std::int64_t, 3>& shape, double wavelength,
                                     double distance);
/// ADU a photon for each pixel [P], 0: not told; `energy` eV.
std::vector<float> adu_of(const Geometry& geometry, const std::array<std::int64_t, 3>& shape,
                          double energy);

}  // namespace unfold::spi_data
