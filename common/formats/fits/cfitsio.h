#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"

namespace unfold::fits {

struct LoadedFile;

// What CFITSIO does for this program. It reads bytes in memory that scan() has passed, and never a
// file name. Its Debian build is reentrant: each call opens its own file and may run in any thread.

/// Decompresses the image in the second HDU of `file`, which checked_tile_file() made, into `out`
/// of as many values as it has pixels. Undefined pixels of a real image become NaN. BAD_STRUCTURE
/// with CFITSIO's reason.
absl::Status decompress_image(std::span<const std::byte> file, std::span<float> out);
absl::Status decompress_image(std::span<const std::byte> file, std::span<std::int32_t> out);
absl::Status decompress_image(std::span<const std::byte> file, std::span<std::uint32_t> out);

/// Empty when each HDU has DATASUM and CHECKSUM and CFITSIO finds that both hold; else what is
/// wrong.
std::string checksum_problem(const LoadedFile& file);

}  // namespace unfold::fits
