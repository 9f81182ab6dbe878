#pragma once

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// The detector of a cspi file whose frames have this shape.
absl::StatusOr<Detector> read_cspi_detector(const hdf5::File& file,
                                            const std::array<std::int64_t, 3>& shape,
                                            std::vector<std::string>& warnings);

/// The wavelength that all q tell, |q|^2 lambda / 2 = -q_z where the beam runs along +z; 0 where
/// they do not agree.
double wavelength_of(const Detector& detector);

/// NO_GOOD_PIXEL where every one is bad.
absl::Status check_some_good(const Detector& detector, const std::string& shown);

}  // namespace unfold::spi_data
