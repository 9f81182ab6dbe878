#pragma once

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/geometry.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// True where the file has CXI's entry_1, or what the geometry names.
absl::StatusOr<bool> is_cxi(const hdf5::File& file, const Geometry* geometry);

/// What gives a CXI file's pixels their places: one of both.
struct CxiPlaces {
  NamedFile file;                      ///< of the one that is given
  std::optional<Geometry> geometry{};  ///< CrystFEL's
  std::optional<Detector> detector{};  ///< Dragonfly's
};
/// Frames [N, ss, fs] or [N, panels, ss, fs] of `entry_1/data_1/data`,
/// `entry_1/instrument_1/detector_1/data` or the geometry's `data`. ADU become photons where the
/// geometry tells adu_per_photon or adu_per_eV. A mask [..., ss, fs] makes pixels bad: with
/// mask_good and mask_bad of the geometry, else where it is not 0.
absl::StatusOr<std::unique_ptr<PatternSource>> open_cxi(const hdf5::File& file,
                                                        const CxiPlaces& places);

}  // namespace unfold::spi_data
