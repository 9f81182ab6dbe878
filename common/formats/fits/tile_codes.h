#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace unfold::fits {

/// True where the Rice code of `count` values, of `bytes_per_value` (1, 2 or 4) in blocks of
/// `block_values`, ends inside `code`. CFITSIO's decoder does not look for the end of its input
/// inside a block, so this is asked before. Source: FITS standard 4.0, section 10.4.1.
bool rice_code_ends_inside(std::span<const std::byte> code, int bytes_per_value,
                           std::int64_t block_values, std::int64_t count);

/// True where `code` starts with one whole gzip member of exactly plain.size() bytes, which are
/// left in `plain`. CFITSIO asks for memory without end where a member is cut off.
bool gzip_code_holds(std::span<const std::byte> code, std::span<std::byte> plain);

}  // namespace unfold::fits
