#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/status/status.h"

namespace unfold::hdf5 {

/// More than any superblock that is taken has.
inline constexpr std::size_t kSuperblockBytes = 100;

bool has_signature(std::span<const std::byte> beginning);

/// Checks the first bytes of a file of `file_bytes`: signature at 0 (no user block), version 0 to
/// 3, addresses of 8 bytes inside the file, one plain file (no driver that spreads it over several,
/// no superblock extension), group trees of a sane width. NOT_HDF5, TRUNCATED, BAD_STRUCTURE.
/// Source: HDF5 File Format Specification 3.0, II.A.
absl::Status check_superblock(std::span<const std::byte> beginning, std::uint64_t file_bytes,
                              std::string_view shown);

}  // namespace unfold::hdf5
