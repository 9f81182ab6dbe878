#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/formats/hdf5/file.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// True where the file has what skopi and SpiniFEL write.
absl::StatusOr<bool> is_cspi(const hdf5::File& file);
/// MISSING_OBJECT, WRONG_SHAPE, WRONG_TYPE, WRONG_UNIT, AMBIGUOUS_AXES, AMBIGUOUS_MASK, BAD_VALUE,
/// NO_GOOD_PIXEL, NO_FRAMES.
absl::StatusOr<std::unique_ptr<PatternSource>> open_cspi(const hdf5::File& file);

}  // namespace unfold::spi_data
