#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "common/formats/spi/source.h"

namespace unfold::spi_data {

/// Dragonfly's binary photons: int32 {frames, pixels, type} padded to 1024 bytes; type 0 sparse
/// (ones[N], multi[N], place_ones, place_multi, count_multi, int32), 1 dense int32, 2 dense double.
/// Every length is checked against the file's. BAD_EMC, TRUNCATED; OTHER_DETECTOR where the
/// detector has another number of pixels.
absl::StatusOr<std::unique_ptr<PatternSource>> open_emc(const NamedFile& file,
                                                        const Detector& detector);

}  // namespace unfold::spi_data
