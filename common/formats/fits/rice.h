#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace unfold::fits {

/// Decodes one Rice-coded run of integers of `bytes_per_value` (1, 2 or 4) in blocks of
/// `block_values`. False where the code ends early. Reads nothing outside `code`.
bool rice_decode(std::span<const std::byte> code, int bytes_per_value, std::int64_t block_values,
                 std::span<std::int32_t> out);

}  // namespace unfold::fits
